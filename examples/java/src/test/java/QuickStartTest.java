import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ai.sentryagent.idp.testing.MockServer;
import ai.sentryagent.idp.testing.MockServerExtension;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The quick start against a mock server. Needs the program {@code agentidp} on the path, or AGENTIDP_BIN. */
@ExtendWith(MockServerExtension.class)
class QuickStartTest {
    @Test
    void everyStepIsTaken(MockServer server) throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder program = new ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), "QuickStart");
        program.environment().put("AGENTIDP_BASE_URL", server.getBaseUrl());
        program.environment().put("AGENTIDP_CLIENT_ID", server.getClientId());
        program.environment().put("AGENTIDP_CLIENT_SECRET", server.getClientSecret());
        Process process = program.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertEquals(0, process.waitFor(), printed);
        List<String> steps = printed.lines().map(line -> line.split(":")[0]).toList();
        assertEquals(
                List.of("register", "list", "credential", "token", "introspect", "rotate", "not-found", "audit", "decommission"),
                steps);
        assertFalse(printed.contains("sk_live_"), printed);
    }
}

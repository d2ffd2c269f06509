package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonFactory;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The SDK on the module path. */
class ModuleTest {
    /** Without the libraries of the adapters and of the JUnit extension, which it does not use. */
    @Test
    void anApplicationsModuleIsCompiledAgainstOursAlone(@TempDir Path folder) throws Exception {
        Path info = folder.resolve("module-info.java");
        Files.writeString(info, "module application { requires ai.sentryagent.idp; }");
        Path code = Files.createDirectory(folder.resolve("application")).resolve("Use.java");
        Files.writeString(code, "package application; class Use { ai.sentryagent.idp.AgentIdPClient client; }");
        String path = place(AgentIdPClient.class) + File.pathSeparator + place(JsonFactory.class);
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        int status = ToolProvider.findFirst("javac").orElseThrow().run(
                out, out, "-d", folder.toString(), "--module-path", path, info.toString(), code.toString());
        assertEquals(0, status, said.toString());
    }

    private static Path place(Class<?> of) throws URISyntaxException {
        return Path.of(of.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}

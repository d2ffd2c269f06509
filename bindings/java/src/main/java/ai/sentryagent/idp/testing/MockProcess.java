package ai.sentryagent.idp.testing;

import ai.sentryagent.idp.DecodingException;
import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.Json;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The process {@code agentidp mock} and its control routes.
 *
 * <p>It ends when its standard input is closed: on {@link #close}, and also when this process dies without it.
 */
final class MockProcess implements AutoCloseable {
    private static final String VARIABLE = "AGENTIDP_BIN";
    private static final String PROGRAM = "agentidp";
    private static final long STOP_S = 10;

    private final Process process;
    private final Map<String, Object> facts;

    private MockProcess(Process process, Map<String, Object> facts) {
        this.process = process;
        this.facts = facts;
    }

    static MockProcess start(Path given) {
        Path binary = given != null ? given : find(System.getenv(VARIABLE), System.getenv("PATH"));
        try {
            Process process = new ProcessBuilder(binary.toString(), "mock", "--json")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
                    .readLine();
            if (line == null) {
                process.destroyForcibly();
                throw new IllegalStateException("`" + binary + " mock --json` ended at once; run it to see why");
            }
            try {
                return new MockProcess(process, Json.OBJECT.fromJson(line));
            } catch (DecodingException e) {
                process.destroyForcibly();
                throw new IllegalStateException("`" + binary + "` is not `agentidp`: it answers something else", e);
            }
        } catch (IOException e) {
            throw new IllegalStateException("`" + binary + "` cannot be started", e);
        }
    }

    /** The program; an environment variable that is set but wrong is an error, not a reason to look further. */
    static Path find(String variable, String path) {
        if (variable != null && !variable.isBlank()) {
            return Path.of(variable);
        }
        for (String folder : path == null ? new String[0] : path.split(File.pathSeparator)) {
            for (String name : new String[] {PROGRAM, PROGRAM + ".exe"}) {
                Path candidate = Path.of(folder, name);
                if (Files.isExecutable(candidate) && !Files.isDirectory(candidate)) {
                    return candidate;
                }
            }
        }
        throw new IllegalStateException("The mock server needs the program `" + PROGRAM + "`: install it with `cargo install"
                + " agentidp-server`, or set " + VARIABLE + " to where it is.");
    }

    String fact(String name) {
        return String.valueOf(facts.get(name));
    }

    void post(String path, String json) {
        try {
            HttpURLConnection connection = open(path);
            connection.setRequestMethod("POST");
            connection.setDoOutput(true);
            connection.setRequestProperty("Content-Type", "application/json");
            connection.getOutputStream().write(json.getBytes(StandardCharsets.UTF_8));
            if (connection.getResponseCode() / 100 != 2) {
                throw Arguments.refused("the mock server refuses", refusal(text(connection.getErrorStream())));
            }
            text(connection.getInputStream());
        } catch (IOException e) {
            throw MockServer.unreachable(e);
        }
    }

    Map<String, Object> get(String path) {
        try {
            return Json.OBJECT.fromJson(text(open(path).getInputStream()));
        } catch (IOException e) {
            throw MockServer.unreachable(e);
        }
    }

    @Override
    public void close() {
        try {
            process.getOutputStream().close();
            if (!process.waitFor(STOP_S, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** What the server says is wrong; it names the field. */
    private static String refusal(String body) {
        try {
            return String.valueOf(Json.OBJECT.fromJson(body).get("message"));
        } catch (DecodingException e) {
            return body;
        }
    }

    private HttpURLConnection open(String path) throws IOException {
        // Never through a proxy: it is on this machine.
        return (HttpURLConnection) URI.create(fact("baseUrl") + path).toURL().openConnection(Proxy.NO_PROXY);
    }

    private static String text(InputStream in) throws IOException {
        if (in == null) {
            return "";
        }
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}

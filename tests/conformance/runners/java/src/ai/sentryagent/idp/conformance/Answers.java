package ai.sentryagent.idp.conformance;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The lines that go out, and what they showed last. */
final class Answers {
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private final Shown shown = new Shown();

    Shown shown() {
        return shown;
    }

    void ok(Map<String, Object> command, Object value) {
        if (value instanceof Tree.Raw raw) {
            shown.answered(raw.json());
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("id", command.get("id"));
        line.put("ok", value);
        print(line);
    }

    void fail(Map<String, Object> command, Throwable error) {
        shown.failed(error);
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("id", command.get("id"));
        line.put("error", Failure.of(error));
        print(line);
    }

    void print(Map<String, Object> line) {
        String text = Tree.write(line);
        synchronized (out) {
            out.println(text);
            out.flush();
        }
    }

    static void thread(String name, Runnable body) {
        new Thread(body, name).start();
    }
}

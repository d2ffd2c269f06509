package ai.sentryagent.idp.conformance;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The host's logger: {@code java.util.logging}, which the JDK puts behind {@link System.Logger}, with all of it let through. */
final class HostLog extends Handler {
    private static final Logger LOGGER = Logger.getLogger("ai.sentryagent.idp");

    /** Older ones are forgotten: a long run must not grow by its log. */
    private static final int RECORDS_MAX = 5_000;

    private final Deque<Map<String, Object>> records = new ArrayDeque<>();

    static HostLog install() {
        HostLog log = new HostLog();
        LOGGER.setLevel(Level.ALL);
        LOGGER.setUseParentHandlers(false);
        LOGGER.addHandler(log);
        return log;
    }

    @Override
    public synchronized void publish(LogRecord record) {
        // The SDK writes `message name=value name=value`.
        String[] parts = record.getMessage().split(" (?=[a-z_]+=)");
        Map<String, Object> fields = new LinkedHashMap<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            fields.put(parts[i].substring(0, equals), value(parts[i].substring(equals + 1)));
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("level", level(record.getLevel()));
        line.put("message", parts[0]);
        line.put("fields", fields);
        if (records.size() == RECORDS_MAX) {
            records.removeFirst();
        }
        records.addLast(line);
    }

    synchronized List<Map<String, Object>> records() {
        return List.copyOf(records);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}

    /** Numbers look like numbers. */
    private static Object value(String text) {
        return text.matches("-?[0-9]{1,15}") ? (Object) Long.valueOf(text) : text;
    }

    private static String level(Level level) {
        return switch (level.getName()) {
            case "SEVERE" -> "error";
            case "WARNING" -> "warn";
            case "INFO" -> "info";
            case "FINE" -> "debug";
            case "FINER", "FINEST" -> "trace";
            default -> level.getName().toLowerCase(Locale.ROOT);
        };
    }
}

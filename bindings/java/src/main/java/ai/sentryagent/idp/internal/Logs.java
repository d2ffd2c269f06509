package ai.sentryagent.idp.internal;

import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The native core's log records on their way to the host's {@link System.Logger}.
 *
 * <p>The pump takes them out; a thread of the callback pool logs them, one after the other: a logger is the host's code and
 * may wait, even for a call of ours. Nothing is made that the logger would not show: its level is asked again each second.
 */
final class Logs {
    private static final System.Logger LOGGER = System.getLogger("ai.sentryagent.idp");
    /** By the native core's number; 0 is none. */
    private static final List<System.Logger.Level> LEVELS = List.of(
            System.Logger.Level.OFF,
            System.Logger.Level.ERROR,
            System.Logger.Level.WARNING,
            System.Logger.Level.INFO,
            System.Logger.Level.DEBUG,
            System.Logger.Level.TRACE);
    private static final int RECORDS_MAX = 512;
    private static final long REFRESH_NS = 1_000_000_000;

    private static final AtomicLong REFRESHED = new AtomicLong(System.nanoTime() - REFRESH_NS);
    private static final Queue<Map<?, ?>> WAITING = new ConcurrentLinkedQueue<>();
    private static final AtomicInteger SCHEDULED = new AtomicInteger();
    private static volatile int wanted;

    private Logs() {}

    /** Asks the logger what it would show, at most once a second. On a thread that may run the host's code. */
    static void refresh() {
        if (due()) {
            ask();
        }
    }

    /** Whether anything is logged at all. */
    static boolean wanted() {
        return wanted != 0;
    }

    /** On the pump's thread: takes out what is there. */
    static void drain() {
        if (due()) {
            Callbacks.executor().execute(Logs::ask);
        }
        if (!wanted()) {
            return;
        }
        for (byte[] json = Native.drainLogs(RECORDS_MAX); json != null; json = Native.drainLogs(RECORDS_MAX)) {
            if (Json.OBJECT.decode(json, 0, json.length).get("records") instanceof List<?> records) {
                for (Object record : records) {
                    if (record instanceof Map<?, ?> map) {
                        WAITING.add(map);
                    }
                }
            }
            if (SCHEDULED.getAndIncrement() == 0) {
                Callbacks.executor().execute(Logs::log);
            }
        }
    }

    private static void log() {
        int seen = 1;
        do {
            for (Map<?, ?> record = WAITING.poll(); record != null; record = WAITING.poll()) {
                try {
                    log(record);
                } catch (RuntimeException e) {
                    // A logger that throws must not take the records after this one with it.
                    Thread thread = Thread.currentThread();
                    thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
                }
            }
            seen = SCHEDULED.addAndGet(-seen);
        } while (seen > 0);
    }

    private static void log(Map<?, ?> record) {
        int number = record.get("level") instanceof Number level ? level.intValue() : 1;
        StringBuilder text = new StringBuilder(String.valueOf(record.get("message")));
        if (record.get("client") != null) {
            text.append(" client=").append(record.get("client"));
        }
        if (record.get("fields") instanceof Map<?, ?> fields) {
            fields.forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
        }
        // Without parameters the text is logged as it is: nothing in it is taken for a format.
        LOGGER.log(LEVELS.get(Math.min(Math.max(number, 1), LEVELS.size() - 1)), text.toString());
    }

    private static boolean due() {
        long last = REFRESHED.get();
        long now = System.nanoTime();
        return now - last >= REFRESH_NS && REFRESHED.compareAndSet(last, now);
    }

    private static synchronized void ask() {
        int level = level();
        if (level != wanted) {
            wanted = level;
            Native.logLevel(level);
        }
    }

    private static int level() {
        for (int number = LEVELS.size() - 1; number > 0; number--) {
            if (LOGGER.isLoggable(LEVELS.get(number))) {
                return number;
            }
        }
        return 0;
    }
}

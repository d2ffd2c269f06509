package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.testing.ManualClock;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the SDK takes from, and gives to, the program around it: traces and logs. */
class HostTest {
    private static final String A1 = Wire.AGENT + "a1";
    private static final String TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private static final Logger LOGGER = Logger.getLogger("ai.sentryagent.idp");

    private Wire wire;

    @BeforeEach
    void open() throws IOException {
        wire = new Wire();
        wire.answer(A1, 200, Wire.agent("a1"));
    }

    @AfterEach
    void close() throws IOException {
        wire.close();
    }

    @Test
    void theHookIsAskedAtEachCall() throws Exception {
        String[] at = {TRACE};
        try (AgentIdPClient client = wire.client().traceparent(() -> at[0]).build()) {
            client.agents().getAgent("a1");
            assertEquals(TRACE, traceparent());
            String own = TRACE.replace("-01", "-00");
            client.agents().getAgent("a1", CallOptions.builder().header("Traceparent", own).build());
            assertEquals(own, traceparent());
            // What is none is left out, whatever it is: a tracer's fault is not the call's.
            for (String none : Arrays.asList(null, "", "a\nb", "\ud800", TRACE + "x", TRACE.toUpperCase(Locale.ROOT))) {
                at[0] = none;
                client.agents().getAgentAsync("a1").get(30, TimeUnit.SECONDS);
                assertNull(traceparent());
            }
        }
    }

    @Test
    void openTelemetrysSpanIsPassedOnWhereThereIsOne() {
        try (AgentIdPClient client = wire.client().build()) {
            client.agents().getAgent("a1");
            assertNull(traceparent());
            Span span = Span.wrap(SpanContext.create(
                    "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", TraceFlags.getSampled(), TraceState.getDefault()));
            try (Scope scope = span.makeCurrent()) {
                assertFalse(scope.toString().isEmpty());
                client.agents().getAgent("a1");
            }
            assertEquals(TRACE, traceparent());
        }
    }

    private String traceparent() {
        return wire.head(A1).lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("traceparent:"))
                .map(line -> line.substring(12).trim())
                .findFirst()
                .orElse(null);
    }

    @Test
    void recordsReachTheHostsLoggerAtItsLevel() throws Exception {
        BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();
        Handler handler = into(records);
        LOGGER.addHandler(handler);
        LOGGER.setUseParentHandlers(false);
        LOGGER.setLevel(Level.ALL);
        ManualClock clock = new ManualClock();
        try (AgentIdPClient client = awaitWanted(clock)) {
            client.agents().getAgent("a1");
            LogRecord answered = await(records, "getAgent");
            assertEquals(Level.FINER, answered.getLevel());
            assertTrue(answered.getMessage().startsWith("answered "), answered.getMessage());

            // While the old token lives, a failing endpoint is a line in the log and nobody's error.
            wire.answer(Wire.TOKEN, 503, "{}");
            clock.advance(Duration.ofMinutes(56));
            assertEquals("t", client.tokenManager().getToken());
            assertEquals("t", client.tokenManager().getToken());
            LogRecord failed = await(records, "failures=");
            assertEquals(Level.WARNING, failed.getLevel());
            assertFalse(failed.getMessage().contains("sk_live"), failed.getMessage());
        } finally {
            LOGGER.removeHandler(handler);
            LOGGER.setLevel(null);
            LOGGER.setUseParentHandlers(true);
        }
    }

    /** The level is asked once a second, so an earlier test's may still stand: calls go on until a record comes. */
    private AgentIdPClient awaitWanted(ManualClock clock) throws InterruptedException {
        BlockingQueue<LogRecord> any = new LinkedBlockingQueue<>();
        Handler handler = into(any);
        LOGGER.addHandler(handler);
        AgentIdPClient client = wire.client().clock(clock).build();
        try {
            do {
                client.agents().getAgent("a1");
            } while (any.poll(100, TimeUnit.MILLISECONDS) == null);
        } finally {
            LOGGER.removeHandler(handler);
        }
        return client;
    }

    private static LogRecord await(BlockingQueue<LogRecord> records, String text) throws InterruptedException {
        for (LogRecord record = records.poll(30, TimeUnit.SECONDS); record != null; record = records.poll(30, TimeUnit.SECONDS)) {
            if (record.getMessage().contains(text)) {
                return record;
            }
        }
        throw new AssertionError("no record says " + text);
    }

    private static Handler into(BlockingQueue<LogRecord> records) {
        return new Handler() {
            @Override
            public void publish(LogRecord record) {
                records.add(record);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }
}

package ai.sentryagent.idp.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** RFC 3339, by the short way and by the JDK's. */
class TimestampsTest {
    @Test
    void bothWaysAgree() {
        for (String text : List.of("2026-03-28T09:00:00.000Z", "2024-02-29T23:59:59.999Z", "1969-12-31T23:59:59.001Z", "0001-01-01T00:00:00.000Z")) {
            assertEquals(Instant.parse(text), Timestamps.parse(text));
            assertEquals(text, Timestamps.format(Timestamps.parse(text)));
        }
        assertEquals(Instant.parse("2026-03-28T07:00:00Z"), Timestamps.parse("2026-03-28T09:00:00+02:00"));
        assertEquals(Instant.parse("2026-03-28T09:00:00.123456Z"), Timestamps.parse("2026-03-28T09:00:00.123456Z"));
    }

    @Test
    void noSuchTimeIsRefused() {
        for (String text : List.of("2026-02-30T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T00:60:00.000Z", "2026-01-01", "")) {
            assertThrows(DateTimeException.class, () -> Timestamps.parse(text), text);
        }
    }
}

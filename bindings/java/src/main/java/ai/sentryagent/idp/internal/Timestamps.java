package ai.sentryagent.idp.internal;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;

/** RFC 3339 in UTC with milliseconds. */
public final class Timestamps {
    private static final DateTimeFormatter WRITTEN =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter();
    private static final String SHAPE = "0000-00-00T00:00:00.000Z";

    private Timestamps() {}

    public static String format(Instant value) {
        return WRITTEN.format(value);
    }

    /**
     * Reads any RFC 3339 timestamp; the form that the server writes goes a way that is several times faster than the JDK's.
     *
     * @throws DateTimeException when it is none
     */
    static Instant parse(String text) {
        if (!hasShape(text)) {
            return DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(text, Instant::from);
        }
        int hour = number(text, 11, 13);
        int minute = number(text, 14, 16);
        int second = number(text, 17, 19);
        if (hour > 23 || minute > 59 || second > 59) {
            throw new DateTimeException("no such time of day");
        }
        long day = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)).toEpochDay();
        return Instant.ofEpochSecond(
                day * 86_400 + hour * 3_600L + minute * 60L + second, number(text, 20, 23) * 1_000_000L);
    }

    private static boolean hasShape(String text) {
        if (text.length() != SHAPE.length()) {
            return false;
        }
        for (int i = 0; i < SHAPE.length(); i++) {
            char expected = SHAPE.charAt(i);
            char c = text.charAt(i);
            if (expected == '0' ? c < '0' || c > '9' : c != expected) {
                return false;
            }
        }
        return true;
    }

    private static int number(String text, int from, int to) {
        int value = 0;
        for (int i = from; i < to; i++) {
            value = value * 10 + text.charAt(i) - '0';
        }
        return value;
    }
}

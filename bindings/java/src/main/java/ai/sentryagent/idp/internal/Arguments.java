package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.ErrorRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What cannot even be handed to the native core is refused here, by the name of the argument and with what to do about it:
 * arguments of calls and checks as {@link ai.sentryagent.idp.ValidationException}, settings as
 * {@link ai.sentryagent.idp.ConfigurationException}. Everything else the core judges, in the same words in every language.
 */
public final class Arguments {
    /** A call, or one connection, may take a day, as in Python: what is longer was meant in another unit. */
    private static final Duration TIME_MAX = Duration.ofHours(24);

    private static final double MS_PER_SECOND = 1000;
    private static final double NS_PER_MS = 1_000_000;

    private Arguments() {}

    /** An argument that must be there. */
    public static <T> T given(String name, T value) {
        return given(name, value, "must not be null");
    }

    /** An argument that must be there; {@code reason} says what to give. */
    public static <T> T given(String name, T value, String reason) {
        if (value == null) {
            throw refused(name, reason);
        }
        return value;
    }

    /** A setting that must be there. */
    public static <T> T setting(String name, T value) {
        if (value == null) {
            throw misconfigured(name, "must not be null");
        }
        return value;
    }

    /** A copy of an argument's items, none of which may be missing. */
    public static <T> List<T> items(String name, Collection<? extends T> values) {
        return copy(name, given(name, values, "must not be null; List.of() is none"), Arguments::refused);
    }

    /** A copy of a setting's items, none of which may be missing. */
    public static <T> List<T> settings(String name, Collection<? extends T> values) {
        return copy(name, values, Arguments::misconfigured);
    }

    /** A call's time in milliseconds; null when it is left out. */
    public static Long time(String name, Duration value) {
        return time(name, value, Arguments::refused);
    }

    /** A client's time in milliseconds; null when it is left out. */
    public static Long timeSetting(String name, Duration value) {
        return time(name, value, Arguments::misconfigured);
    }

    /** A time that is not negative, however long. */
    public static double span(String name, Duration value) {
        if (given(name, value).isNegative()) {
            throw refused(name, "must not be negative");
        }
        return ms(value);
    }

    /** Milliseconds, however many. */
    public static double ms(Duration value) {
        return value.getSeconds() * MS_PER_SECOND + value.getNano() / NS_PER_MS;
    }

    /** Whole milliseconds; those that no {@code long} holds are as many as it can hold. */
    public static long wholeMs(Duration value) {
        return (long) ms(value);
    }

    /** The error of an argument. */
    public static AgentIdPException refused(String name, String reason) {
        Map<String, Object> fault = new LinkedHashMap<>();
        fault.put("field", name);
        fault.put("reason", reason);
        Map<String, Object> details = new LinkedHashMap<>(fault);
        details.put("errors", List.of(Collections.unmodifiableMap(fault)));
        String message = name + ": " + reason;
        return AgentIdPException.of(new ErrorRecord(
                "validation", "VALIDATION_ERROR", message, null, null, false, null, details, null, 0, null, null));
    }

    /** The error of a setting. */
    public static AgentIdPException misconfigured(String name, String reason) {
        return AgentIdPException.of(
                ErrorRecord.local("configuration", "CONFIGURATION_ERROR", name + " " + reason));
    }

    private static <T> List<T> copy(String name, Collection<? extends T> values, Refusal refusal) {
        List<T> out = new ArrayList<>(values.size());
        for (T value : values) {
            if (value == null) {
                throw refusal.of(name + "[" + out.size() + "]", "must not be null");
            }
            out.add(value);
        }
        return Collections.unmodifiableList(out);
    }

    private static Long time(String name, Duration value, Refusal refusal) {
        if (value == null) {
            return null;
        }
        if (value.isNegative() || value.isZero() || value.compareTo(TIME_MAX) > 0) {
            throw refusal.of(name, "must be longer than zero and at most 24 hours");
        }
        // Rounded up, so that a short time does not become none.
        return value.plusNanos((long) NS_PER_MS - 1).toMillis();
    }

    @FunctionalInterface
    private interface Refusal {
        AgentIdPException of(String name, String reason);
    }
}

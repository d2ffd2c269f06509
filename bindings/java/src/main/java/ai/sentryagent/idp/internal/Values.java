package ai.sentryagent.idp.internal;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Unmodifiable copies, so that a model never changes after it was built. */
public final class Values {
    private Values() {}

    /**
     * Insists on a required field.
     *
     * @throws IllegalStateException when it was not given
     */
    public static void given(String name, Object value) {
        if (value == null) {
            throw new IllegalStateException(name + " is required and was not given");
        }
    }

    /** RFC 3339 with milliseconds. */
    public static String timestamp(Instant value) {
        return Timestamps.format(value);
    }

    /** Of items that are never null. */
    public static <T> List<T> list(List<? extends T> values) {
        return values == null ? null : List.copyOf(values);
    }

    /** Keeps the order, and null values. */
    public static <T> Map<String, T> map(Map<String, ? extends T> values) {
        return values == null ? null : Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * A deep copy of any JSON value, with its numbers as {@code Long}, {@code BigInteger} or {@code BigDecimal}.
     *
     * @throws IllegalArgumentException when it is no JSON value
     */
    public static Object json(Object value) {
        if (value == null || value instanceof String || value instanceof Boolean
                || value instanceof Long || value instanceof BigInteger || value instanceof BigDecimal) {
            return value;
        }
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        }
        if (value instanceof Double || value instanceof Float) {
            return new BigDecimal(value.toString());
        }
        if (value instanceof List<?> list) {
            List<Object> out = new ArrayList<>(list.size());
            list.forEach(item -> out.add(json(item)));
            return Collections.unmodifiableList(out);
        }
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> out = new LinkedHashMap<>();
            map.forEach((key, item) -> {
                if (!(key instanceof String name)) {
                    throw new IllegalArgumentException("a JSON object's keys are strings");
                }
                out.put(name, json(item));
            });
            return Collections.unmodifiableMap(out);
        }
        throw new IllegalArgumentException(value.getClass().getName() + " is no JSON value");
    }

    /** As {@link #json}, of an object's members. */
    public static Map<String, Object> jsonMap(Map<String, ?> values) {
        if (values == null) {
            return null;
        }
        Map<String, Object> out = new LinkedHashMap<>();
        values.forEach((name, value) -> out.put(Objects.requireNonNull(name), json(value)));
        return Collections.unmodifiableMap(out);
    }

    /** As {@link #json}, of a list's items. */
    public static List<Object> jsonList(List<?> values) {
        if (values == null) {
            return null;
        }
        List<Object> out = new ArrayList<>(values.size());
        values.forEach(value -> out.add(json(value)));
        return Collections.unmodifiableList(out);
    }
}

package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.ValidationException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Unmodifiable copies, so that a model never changes after it was built. */
public final class Values {
    /** As deep as Jackson reads. */
    private static final int DEPTH_MAX = 1000;

    private Values() {}

    /**
     * Insists on a required field.
     *
     * @throws ValidationException when it was not given
     */
    public static void given(String name, Object value) {
        Arguments.given(name, value, "is required and was not given");
    }

    /** RFC 3339 with milliseconds. */
    public static String timestamp(Instant value) {
        return Timestamps.format(value);
    }

    /** Of items that are never null. */
    static <T> List<T> list(List<? extends T> values) {
        return List.copyOf(values);
    }

    /** Keeps the order, and null values. */
    static <T> Map<String, T> map(Map<String, ? extends T> values) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * A copy of a caller's list.
     *
     * @param name the field's
     * @throws ValidationException when an item is null
     */
    public static <T> List<T> list(String name, List<? extends T> values) {
        return values == null ? null : Arguments.items(name, values);
    }

    /**
     * A copy of a caller's map, which keeps the order and null values.
     *
     * @param name the field's
     * @throws ValidationException when a key is null
     */
    public static <T> Map<String, T> map(String name, Map<String, ? extends T> values) {
        if (values == null) {
            return null;
        }
        values.keySet().forEach(key -> Arguments.given(name, key, "a key must not be null"));
        return map(values);
    }

    /**
     * A deep copy of any JSON value, with its numbers as {@code Long}, {@code BigInteger} or {@code BigDecimal}.
     *
     * @param name the field's
     * @throws ValidationException when it is no JSON value
     */
    public static Object json(String name, Object value) {
        return json(name, value, 0);
    }

    /** As {@link #json}, of an object's members. */
    public static Map<String, Object> jsonMap(String name, Map<String, ?> values) {
        return values == null ? null : object(name, values, 0);
    }

    /** As {@link #json}, of a list's items. */
    public static List<Object> jsonList(String name, List<?> values) {
        return values == null ? null : array(name, values, 0);
    }

    private static Object json(String name, Object value, int depth) {
        if (value == null || value instanceof String || value instanceof Boolean
                || value instanceof Long || value instanceof BigInteger || value instanceof BigDecimal) {
            return value;
        }
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        }
        if (value instanceof Double || value instanceof Float) {
            if (!Double.isFinite(((Number) value).doubleValue())) {
                throw Arguments.refused(name, "must be a finite number");
            }
            return new BigDecimal(value.toString());
        }
        if (depth > DEPTH_MAX) {
            // One that contains itself never ends.
            throw Arguments.refused(name, "is nested too deeply");
        }
        if (value instanceof List<?> list) {
            return array(name, list, depth + 1);
        }
        if (value instanceof Map<?, ?> map) {
            return object(name, map, depth + 1);
        }
        throw Arguments.refused(name, "must be a JSON value, which " + value.getClass().getName() + " is not");
    }

    private static List<Object> array(String name, List<?> list, int depth) {
        List<Object> out = new ArrayList<>(list.size());
        for (Object item : list) {
            out.add(json(name, item, depth));
        }
        return Collections.unmodifiableList(out);
    }

    private static Map<String, Object> object(String name, Map<?, ?> map, int depth) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof String key)) {
                throw Arguments.refused(name, "must have strings for keys");
            }
            out.put(key, json(name, entry.getValue(), depth));
        }
        return Collections.unmodifiableMap(out);
    }
}

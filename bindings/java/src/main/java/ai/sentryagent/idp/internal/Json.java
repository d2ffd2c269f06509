package ai.sentryagent.idp.internal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Reading and writing of JSON, for the generated codecs. */
public final class Json {
    static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
            .build();

    /** Any JSON object. */
    public static final Codec<Map<String, Object>> OBJECT = new Codec<>() {
        @Override
        public Map<String, Object> read(JsonParser in) throws IOException {
            return map(in, Json::any);
        }

        @Override
        public void write(JsonGenerator out, Map<String, Object> value) throws IOException {
            writeMap(out, value, Json::writeAny);
        }
    };

    /** A JSON object that is turned into a value of ours; never written. */
    static <T> Codec<T> objectOf(Function<Map<String, Object>, T> make) {
        return new Codec<>() {
            @Override
            public T read(JsonParser in) throws IOException {
                return make.apply(map(in, Json::any));
            }

            @Override
            public void write(JsonGenerator out, T value) {
                throw new UnsupportedOperationException("only read");
            }
        };
    }

    /** The token of a token answer. */
    static final Codec<String> ACCESS_TOKEN = objectOf(answer -> (String) answer.get("access_token"));

    private Json() {}

    /** Reads one value. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(JsonParser in) throws IOException;
    }

    /** Writes one value. */
    @FunctionalInterface
    public interface Writer<T> {
        void write(JsonGenerator out, T value) throws IOException;
    }

    public static void expectObject(JsonParser in) throws IOException {
        expect(in, JsonToken.START_OBJECT, "an object");
    }

    public static boolean isNull(JsonParser in) {
        return in.currentToken() == JsonToken.VALUE_NULL;
    }

    public static String string(JsonParser in) throws IOException {
        expect(in, JsonToken.VALUE_STRING, "a string");
        return in.getText();
    }

    public static long integer(JsonParser in) throws IOException {
        expect(in, JsonToken.VALUE_NUMBER_INT, "an integer");
        return in.getLongValue();
    }

    public static double number(JsonParser in) throws IOException {
        if (in.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            expect(in, JsonToken.VALUE_NUMBER_FLOAT, "a number");
        }
        return in.getDoubleValue();
    }

    public static boolean bool(JsonParser in) throws IOException {
        if (in.currentToken() != JsonToken.VALUE_TRUE) {
            expect(in, JsonToken.VALUE_FALSE, "true or false");
        }
        return in.currentToken() == JsonToken.VALUE_TRUE;
    }

    public static Instant instant(JsonParser in) throws IOException {
        String text = string(in);
        try {
            return Timestamps.parse(text);
        } catch (java.time.DateTimeException e) {
            throw new DecodeFault("expected an RFC 3339 timestamp", in);
        }
    }

    /** An unmodifiable list. */
    public static <T> List<T> list(JsonParser in, Reader<T> item) throws IOException {
        expect(in, JsonToken.START_ARRAY, "a list");
        List<T> out = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            out.add(item.read(in));
        }
        return Values.list(out);
    }

    /** An unmodifiable list of any JSON. */
    public static List<Object> anyList(JsonParser in) throws IOException {
        expect(in, JsonToken.START_ARRAY, "a list");
        List<Object> out = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            out.add(any(in));
        }
        return Collections.unmodifiableList(out);
    }

    /** An unmodifiable map in the order of the text. */
    public static <T> Map<String, T> map(JsonParser in, Reader<T> value) throws IOException {
        expectObject(in);
        Map<String, T> out = new LinkedHashMap<>();
        for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
            in.nextToken();
            out.put(name, value.read(in));
        }
        return Values.map(out);
    }

    /** Any JSON: null, Boolean, String, Long, BigInteger, BigDecimal, unmodifiable List or Map. */
    public static Object any(JsonParser in) throws IOException {
        JsonToken token = in.currentToken();
        if (token == null) {
            throw new DecodeFault("expected a value", in);
        }
        return switch (token) {
            case START_OBJECT -> map(in, Json::any);
            case START_ARRAY -> anyList(in);
            case VALUE_STRING -> in.getText();
            case VALUE_NUMBER_INT -> in.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                    ? in.getBigIntegerValue()
                    : (Object) in.getLongValue();
            case VALUE_NUMBER_FLOAT -> in.getDecimalValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> throw new DecodeFault("expected a value", in);
        };
    }

    public static void writeString(JsonGenerator out, String value) throws IOException {
        out.writeString(value);
    }

    public static void writeInteger(JsonGenerator out, long value) throws IOException {
        out.writeNumber(value);
    }

    public static void writeNumber(JsonGenerator out, double value) throws IOException {
        out.writeNumber(value);
    }

    public static void writeBool(JsonGenerator out, boolean value) throws IOException {
        out.writeBoolean(value);
    }

    public static void writeInstant(JsonGenerator out, Instant value) throws IOException {
        out.writeString(Timestamps.format(value));
    }

    public static <T> void writeList(JsonGenerator out, List<T> values, Writer<? super T> item) throws IOException {
        out.writeStartArray();
        for (T value : values) {
            item.write(out, value);
        }
        out.writeEndArray();
    }

    public static <T> void writeMap(JsonGenerator out, Map<String, T> values, Writer<? super T> item)
            throws IOException {
        out.writeStartObject();
        writeEntries(out, values, item);
        out.writeEndObject();
    }

    /** The entries of a map into the object that is being written. */
    public static <T> void writeEntries(JsonGenerator out, Map<String, T> values, Writer<? super T> item)
            throws IOException {
        for (Map.Entry<String, T> entry : values.entrySet()) {
            out.writeFieldName(entry.getKey());
            item.write(out, entry.getValue());
        }
    }

    /** Writes what {@link #any} reads. */
    public static void writeAny(JsonGenerator out, Object value) throws IOException {
        if (value == null) {
            out.writeNull();
        } else if (value instanceof String text) {
            out.writeString(text);
        } else if (value instanceof Boolean flag) {
            out.writeBoolean(flag);
        } else if (value instanceof BigInteger number) {
            out.writeNumber(number);
        } else if (value instanceof BigDecimal number) {
            out.writeNumber(number);
        } else if (value instanceof Number number) {
            out.writeNumber(number.longValue());
        } else if (value instanceof List<?> list) {
            writeList(out, list, Json::writeAny);
        } else if (value instanceof Map<?, ?> map) {
            out.writeStartObject();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.writeFieldName((String) entry.getKey());
                writeAny(out, entry.getValue());
            }
            out.writeEndObject();
        } else {
            throw new DecodeFault(value.getClass().getName() + " is no JSON value");
        }
    }

    private static void expect(JsonParser in, JsonToken token, String what) throws IOException {
        if (in.currentToken() != token) {
            String name = in.currentName();
            throw new DecodeFault((name == null ? "" : name + ": ") + "expected " + what, in);
        }
    }
}

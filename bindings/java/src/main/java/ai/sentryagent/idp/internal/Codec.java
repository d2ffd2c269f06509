package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.DecodingException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/**
 * Between a value and its JSON. The generated codecs of models stand on this class.
 *
 * @param <T> the value
 */
public abstract class Codec<T> {
    /** Reads the value that the parser stands on, and leaves the parser on its last token. */
    public abstract T read(JsonParser in) throws IOException;

    /** Writes a value. */
    public abstract void write(JsonGenerator out, T value) throws IOException;

    /** The value of a JSON text that is a part of an array. */
    final T decode(byte[] bytes, int offset, int length) {
        try (JsonParser in = Json.FACTORY.createParser(bytes, offset, length)) {
            return whole(in);
        } catch (IOException e) {
            throw Errors.decoding(e);
        }
    }

    /**
     * The value of a JSON text.
     *
     * @throws DecodingException when the text is not valid JSON or not such a value
     */
    public final T fromJson(String json) {
        try (JsonParser in = Json.FACTORY.createParser(Arguments.given("json", json))) {
            return whole(in);
        } catch (IOException e) {
            throw Errors.decoding(e);
        }
    }

    /** The JSON of a value. */
    public final String toJson(T value) {
        StringWriter text = new StringWriter(256);
        try (JsonGenerator out = Json.FACTORY.createGenerator(text)) {
            write(out, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private T whole(JsonParser in) throws IOException {
        in.nextToken();
        T value = read(in);
        if (in.nextToken() != null) {
            throw new DecodeFault("more than one value", in);
        }
        return value;
    }
}

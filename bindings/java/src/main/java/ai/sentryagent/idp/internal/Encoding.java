package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.util.function.BiFunction;

/** JSON on its way into the native core. What has no JSON is refused by the name of its place, never by its text. */
final class Encoding {
    private Encoding() {}

    /**
     * The bytes of what {@code body} writes.
     *
     * @param refusal makes the error of a place and a reason
     */
    static byte[] bytes(BiFunction<String, String, AgentIdPException> refusal, Body body) {
        ByteArrayBuilder bytes = new ByteArrayBuilder(256);
        try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
            try {
                body.write(out);
            } catch (IOException e) {
                throw refusal.apply(place(out.getOutputContext()), reason(e));
            }
        } catch (IOException e) {
            throw refusal.apply("the arguments", "have no JSON");
        }
        return bytes.toByteArray();
    }

    /** Bytes in memory are always taken: what is not written is no text, or has no end. */
    private static String reason(IOException e) {
        return e instanceof StreamConstraintsException
                ? "is nested too deeply"
                : "holds half of a surrogate pair, which is no text";
    }

    /** As the core names it: {@code options.headers.x-team}, {@code scopes[0]}. */
    private static String place(JsonStreamContext at) {
        if (at == null || at.inRoot()) {
            return "";
        }
        String before = place(at.getParent());
        if (at.inArray()) {
            return before + '[' + at.getCurrentIndex() + ']';
        }
        String name = at.getCurrentName();
        return before.isEmpty() ? name : before + '.' + name;
    }

    @FunctionalInterface
    interface Body {
        void write(JsonGenerator out) throws IOException;
    }
}

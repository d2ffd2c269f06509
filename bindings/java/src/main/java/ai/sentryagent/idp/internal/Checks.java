package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.models.AuditEvent;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What the native core checks without a client. */
public final class Checks {
    private Checks() {}

    /**
     * Checks a webhook's signature and time, and gives its payload.
     *
     * @param headers the value of each header, by its name
     * @param now null for the present
     */
    public static Map<String, Object> webhook(
            byte[] payload, Map<String, String> headers, List<String> secrets, Duration tolerance, Instant now) {
        byte[] how = write(out -> {
            out.writeStartObject();
            out.writeArrayFieldStart("headers");
            for (Map.Entry<String, String> header : headers.entrySet()) {
                out.writeStartArray();
                out.writeString(header.getKey());
                out.writeString(header.getValue());
                out.writeEndArray();
            }
            out.writeEndArray();
            out.writeFieldName("secrets");
            Json.writeList(out, secrets, Json::writeString);
            out.writeNumberField("toleranceMs", tolerance.toMillis());
            if (now != null) {
                out.writeNumberField("nowMs", now.toEpochMilli());
            }
            out.writeEndObject();
        });
        Outcome.check(Native.verifyWebhook(payload, how));
        return Json.OBJECT.decode(payload, 0, payload.length);
    }

    /** Checks the hashes of a run of audit events. */
    public static <T> T auditEvents(Iterable<AuditEvent> events, Function<Map<String, Object>, T> make) {
        byte[] json = write(out -> {
            out.writeStartArray();
            for (AuditEvent event : events) {
                AuditEventCodec.INSTANCE.write(out, event);
            }
            out.writeEndArray();
        });
        return make.apply(Outcome.value(Native.verifyAuditEvents(json), Json.OBJECT));
    }

    private static byte[] write(Body body) {
        ByteArrayBuilder bytes = new ByteArrayBuilder(512);
        try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
            body.write(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    @FunctionalInterface
    private interface Body {
        void write(JsonGenerator out) throws IOException;
    }
}

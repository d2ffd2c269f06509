package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.models.AuditEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What the native core checks without a client. */
public final class Checks {
    private static final Instant NOW_MAX = Instant.parse("9999-12-31T23:59:59Z");

    private Checks() {}

    /**
     * Checks a webhook's signature and time, and gives its payload.
     *
     * @param headers the value of each header, by its name
     * @param now null for the present
     */
    public static Map<String, Object> webhook(
            byte[] payload, Map<String, String> headers, List<String> secrets, Duration tolerance, Instant now) {
        double toleranceMs = Arguments.span("tolerance", tolerance);
        Long nowMs = now == null ? null : nowMs(now);
        List<String> keys = Arguments.items("secrets", secrets);
        Arguments.given("payload", payload, "must be the body as it came, not null");
        Arguments.given("headers", headers, "must be the request's headers, not null");
        byte[] how = Encoding.bytes(Arguments::refused, out -> {
            out.writeStartObject();
            out.writeArrayFieldStart("headers");
            for (Map.Entry<String, String> header : headers.entrySet()) {
                // A header without a value is not there; one without a name is the status line of some HTTP libraries.
                if (header.getKey() == null || header.getValue() == null) {
                    continue;
                }
                out.writeStartArray();
                out.writeString(header.getKey());
                out.writeString(header.getValue());
                out.writeEndArray();
            }
            out.writeEndArray();
            out.writeFieldName("secrets");
            Json.writeList(out, keys, Json::writeString);
            out.writeNumberField("toleranceMs", (long) toleranceMs);
            if (nowMs != null) {
                out.writeNumberField("nowMs", nowMs);
            }
            out.writeEndObject();
        });
        Outcome.check(Native.verifyWebhook(payload, how));
        return Json.OBJECT.decode(payload, 0, payload.length);
    }

    /** Checks the hashes of a run of audit events. */
    public static <T> T auditEvents(Iterable<AuditEvent> events, Function<Map<String, Object>, T> make) {
        Arguments.given("events", events, "must be a list of audit events, not null");
        byte[] json = Encoding.bytes(Checks::refused, out -> {
            out.writeStartArray();
            int index = 0;
            for (AuditEvent event : events) {
                AuditEventCodec.INSTANCE.write(out, Arguments.given("events[" + index + "]", event));
                index++;
            }
            out.writeEndArray();
        });
        return make.apply(Outcome.value(Native.verifyAuditEvents(json), Json.OBJECT));
    }

    private static AgentIdPException refused(String place, String reason) {
        return Arguments.refused("events" + place, reason);
    }

    private static long nowMs(Instant now) {
        if (now.isBefore(Instant.EPOCH) || now.isAfter(NOW_MAX)) {
            throw Arguments.refused("now", "must be from 1970 to 9999");
        }
        return now.toEpochMilli();
    }

}

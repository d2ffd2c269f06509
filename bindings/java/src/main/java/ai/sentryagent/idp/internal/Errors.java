package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.ErrorRecord;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/** The native core's error records as exceptions. */
final class Errors {
    private Errors() {}

    /**
     * A {@link CancellationException} for the kind {@code cancelled}, else the exception of the record's kind.
     *
     * @param headers of the answer; null when there was none
     */
    static RuntimeException fromRecord(byte[] bytes, int offset, int length, Map<String, List<String>> headers) {
        Map<String, Object> json = Json.OBJECT.decode(bytes, offset, length);
        if ("cancelled".equals(json.get("kind"))) {
            return new CancellationException(text(json, "message"));
        }
        return AgentIdPException.of(record(json, headers));
    }

    /** JSON that our own decoders refuse. */
    static AgentIdPException decoding(IOException cause) {
        // Jackson quotes the text it stumbles over, which may hold a secret: its message is not passed on.
        String message = cause instanceof DecodeFault ? cause.getMessage() : "not valid JSON";
        return AgentIdPException.of(ErrorRecord.local("decoding", "DECODING_ERROR", message));
    }

    private static ErrorRecord record(Map<String, Object> json, Map<String, List<String>> headers) {
        return new ErrorRecord(
                text(json, "kind"),
                text(json, "code"),
                text(json, "message"),
                json.get("httpStatus") instanceof Number status ? status.intValue() : null,
                text(json, "requestId"),
                Boolean.TRUE.equals(json.get("retryable")),
                json.get("retryAfter") instanceof Number seconds ? seconds(seconds) : null,
                json.get("details") instanceof Map<?, ?> details ? object(details) : null,
                text(json, "oauthError"),
                json.get("retryCount") instanceof Number count ? count.intValue() : 0,
                cause(json.get("cause")),
                headers);
    }

    private static Duration seconds(Number seconds) {
        return Duration.ofMillis(Math.round(seconds.doubleValue() * 1000));
    }

    /** A cause is text, or another record of which the text is enough. */
    private static String cause(Object cause) {
        if (cause instanceof Map<?, ?> record) {
            return record.get("code") + ": " + record.get("message");
        }
        return cause instanceof String text ? text : null;
    }

    private static String text(Map<String, Object> json, String name) {
        return json.get(name) instanceof String text ? text : null;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Map<?, ?> map) {
        // Every key of a JSON object is a string.
        return (Map<String, Object>) map;
    }
}

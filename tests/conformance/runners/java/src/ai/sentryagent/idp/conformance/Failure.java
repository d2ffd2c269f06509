package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.ResponseInfo;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;

/** What a caller sees of a failed call, as the protocol's error record: from the public exception alone. */
final class Failure {
    private Failure() {}

    static Map<String, Object> of(Throwable error) {
        Throwable seen = error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
        Map<String, Object> out = new LinkedHashMap<>();
        if (seen instanceof AgentIdPException known) {
            out.put("kind", known.getRecord().kind());
            out.put("code", known.getCode());
            out.put("message", known.getMessage());
            out.put("httpStatus", known.getHttpStatus());
            out.put("requestId", known.getRequestId());
            out.put("retryable", known.isRetryable());
            out.put("retryAfter", known.getRetryAfter() == null ? null : known.getRetryAfter().toMillis() / 1000.0);
            out.put("details", known.getDetails().isEmpty() ? null : known.getDetails());
            out.put("oauthError", known.getOauthError());
            out.put("retryCount", known.getRetryCount());
            out.put("headers", headers(known.getResponse()));
            out.put("cause", known.getCause() == null ? null : known.getCause().getMessage());
        } else if (seen instanceof Runner.UnknownVerb) {
            out.put("kind", "configuration");
            out.put("code", "UNKNOWN_VERB");
            out.put("message", seen.getMessage());
        } else if (seen instanceof CancellationException) {
            out.put("kind", "cancelled");
            out.put("code", "CANCELLED");
            out.put("message", String.valueOf(seen.getMessage()));
        } else {
            out.put("kind", "runner");
            out.put("code", "RUNNER");
            out.put("message", String.valueOf(seen));
        }
        out.put("class", seen.getClass().getSimpleName());
        return out;
    }

    private static Map<String, Object> headers(ResponseInfo response) {
        if (response == null) {
            return null;
        }
        Map<String, Object> out = new LinkedHashMap<>();
        response.headers().forEach((name, values) -> out.put(name.toLowerCase(Locale.ROOT), String.join(", ", values)));
        return out;
    }
}

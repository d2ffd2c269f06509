package ai.sentryagent.idp;

import java.io.Serializable;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything that is known of a failed call. Tests of applications build exceptions from it: {@link AgentIdPException#of}.
 *
 * @param kind what the caller can do about it: {@code authentication}, {@code permission}, {@code not_found},
 *     {@code conflict}, {@code validation}, {@code rate_limit}, {@code server}, {@code connection}, {@code timeout},
 *     {@code configuration} or {@code decoding}
 * @param code the service's code, such as {@code AGENT_NOT_FOUND}, or the SDK's own, such as {@code CONNECTION_ERROR}
 * @param message for people; never holds a secret
 * @param httpStatus the answer's status; null when there was no answer
 * @param requestId the answer's request id; null when there was none
 * @param retryable whether the same call may succeed later
 * @param retryAfter how long the service asks to wait; null when it does not say
 * @param details what else the service said, JSON values only; null when nothing
 * @param oauthError the {@code error} of an OAuth endpoint's answer (RFC 6749 section 5.2); null elsewhere
 * @param retryCount how many times the call was repeated
 * @param cause the failure beneath; null when there is none
 * @param headers of the answer, by name without regard to case; null when there was no answer
 */
public record ErrorRecord(
        String kind,
        String code,
        String message,
        Integer httpStatus,
        String requestId,
        boolean retryable,
        Duration retryAfter,
        Map<String, Object> details,
        String oauthError,
        int retryCount,
        String cause,
        Map<String, List<String>> headers)
        implements Serializable {

    /**
     * Copies the details and the headers.
     *
     * @param kind see {@link #kind()}
     * @param code see {@link #code()}
     * @param message see {@link #message()}
     * @param httpStatus see {@link #httpStatus()}
     * @param requestId see {@link #requestId()}
     * @param retryable see {@link #retryable()}
     * @param retryAfter see {@link #retryAfter()}
     * @param details see {@link #details()}
     * @param oauthError see {@link #oauthError()}
     * @param retryCount see {@link #retryCount()}
     * @param cause see {@link #cause()}
     * @param headers see {@link #headers()}
     */
    public ErrorRecord {
        details = details == null ? null : Collections.unmodifiableMap(new HashMap<>(details));
        headers = headers == null ? null : ResponseInfo.copy(headers);
    }

    /**
     * A failure that no answer of the service stands behind.
     *
     * @param kind see {@link #kind()}
     * @param code see {@link #code()}
     * @param message see {@link #message()}
     * @return the record
     */
    public static ErrorRecord local(String kind, String code, String message) {
        return new ErrorRecord(kind, code, message, null, null, false, null, null, null, 0, null, null);
    }
}

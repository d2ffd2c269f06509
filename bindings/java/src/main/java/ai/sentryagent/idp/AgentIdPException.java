package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Arguments;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A call that failed. The subclass says what can be done about it:
 *
 * <pre>
 * AgentIdPException
 * ├── AuthenticationException     401: the credentials or the token are not accepted
 * ├── PermissionDeniedException   403: a scope or a role is missing
 * ├── NotFoundException           404, 410
 * ├── ConflictException           409
 * ├── ValidationException         400, 413, 415, 422: names the fields
 * ├── RateLimitException          429: says how long to wait
 * ├── ServerException             5xx
 * ├── ApiConnectionException      no answer: name, network, TLS
 * ├── ApiTimeoutException         the deadline passed, or 408
 * ├── ConfigurationException      the client's own settings, or a closed client
 * └── DecodingException           an answer that is not what the contract says
 * </pre>
 *
 * <p>A cancelled call is a {@link java.util.concurrent.CancellationException}, as everywhere in Java.
 */
public class AgentIdPException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorRecord record;

    /**
     * An exception of a record; {@link #of} chooses the class.
     *
     * @param record what is known
     */
    public AgentIdPException(ErrorRecord record) {
        super(record.message(), record.cause() == null ? null : new Cause(record.cause()));
        this.record = Objects.requireNonNull(record);
    }

    /**
     * The exception of the record's kind; this class for a kind that this release does not know.
     *
     * @param record what is known
     * @return the exception
     */
    public static AgentIdPException of(ErrorRecord record) {
        return switch (String.valueOf(Arguments.given("record", record).kind())) {
            case "authentication" -> new AuthenticationException(record);
            case "permission" -> new PermissionDeniedException(record);
            case "not_found" -> new NotFoundException(record);
            case "conflict" -> new ConflictException(record);
            case "validation" -> new ValidationException(record);
            case "rate_limit" -> new RateLimitException(record);
            case "server" -> new ServerException(record);
            case "connection" -> new ApiConnectionException(record);
            case "timeout" -> new ApiTimeoutException(record);
            case "configuration" -> new ConfigurationException(record);
            case "decoding" -> new DecodingException(record);
            default -> new AgentIdPException(record);
        };
    }

    /**
     * Everything that is known.
     *
     * @return the record
     */
    public final ErrorRecord getRecord() {
        return record;
    }

    /**
     * The service's code, such as {@code AGENT_NOT_FOUND}, or the SDK's own, such as {@code CONNECTION_ERROR}.
     *
     * @return the code
     */
    public final String getCode() {
        return record.code();
    }

    /**
     * The answer's status.
     *
     * @return the status, or null when there was no answer
     */
    public final Integer getHttpStatus() {
        return record.httpStatus();
    }

    /**
     * The answer's request id: quote it when you ask for help.
     *
     * @return the id, or null when there was none
     */
    public final String getRequestId() {
        return record.requestId();
    }

    /**
     * What else the service said.
     *
     * @return JSON values by name; empty when nothing
     */
    public final Map<String, Object> getDetails() {
        return record.details() == null ? Map.of() : record.details();
    }

    /**
     * The {@code error} of an OAuth endpoint's answer (RFC 6749 section 5.2).
     *
     * @return the error, or null elsewhere
     */
    public final String getOauthError() {
        return record.oauthError();
    }

    /**
     * The answer's status, headers and request id.
     *
     * @return what is known of the answer, or null when there was none
     */
    public final ResponseInfo getResponse() {
        if (record.httpStatus() == null) {
            return null;
        }
        Map<String, List<String>> headers = record.headers() == null ? Map.of() : record.headers();
        return new ResponseInfo(record.httpStatus(), headers, record.requestId(), record.retryCount());
    }

    /**
     * Whether the same call may succeed later.
     *
     * @return true when it may
     */
    public final boolean isRetryable() {
        return record.retryable();
    }

    /**
     * How long the service asks to wait before the next try.
     *
     * @return the time, or null when it does not say
     */
    public final Duration getRetryAfter() {
        return record.retryAfter();
    }

    /**
     * How many times the SDK repeated the call.
     *
     * @return the number of tries after the first
     */
    public final int getRetryCount() {
        return record.retryCount();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(getClass().getName()).append(": ").append(getCode());
        if (getHttpStatus() != null) {
            text.append(" (").append(getHttpStatus()).append(')');
        }
        text.append(": ").append(getMessage());
        if (getRequestId() != null) {
            text.append(" [request ").append(getRequestId()).append(']');
        }
        return text.toString();
    }

    /** A failure inside the native core: it has a sentence and no Java stack. */
    private static final class Cause extends Exception {
        private static final long serialVersionUID = 1L;

        Cause(String message) {
            super(message, null, false, false);
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }
}

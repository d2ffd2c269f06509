package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Arguments;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Settings of one call; what is left out is as the client has it. Immutable. */
public final class CallOptions {
    private final Duration timeout;
    private final Duration connectTimeout;
    private final Integer retries;
    private final Map<String, String> headers;
    private final String idempotencyKey;
    private final String requestId;
    private final Consumer<ResponseInfo> onResponse;

    private CallOptions(Builder from) {
        timeout = from.timeout;
        connectTimeout = from.connectTimeout;
        retries = from.retries;
        headers = Collections.unmodifiableMap(new LinkedHashMap<>(from.headers));
        idempotencyKey = from.idempotencyKey;
        requestId = from.requestId;
        onResponse = from.onResponse;
    }

    /**
     * A builder without settings.
     *
     * @return the builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * How long the call may take in all, tries and waits included.
     *
     * @return the time, or null for the client's
     */
    public Duration getTimeout() {
        return timeout;
    }

    /**
     * How long connecting may take.
     *
     * @return the time, or null for the client's
     */
    public Duration getConnectTimeout() {
        return connectTimeout;
    }

    /**
     * How often the call may be repeated.
     *
     * @return the number, or null for the client's
     */
    public Integer getRetries() {
        return retries;
    }

    /**
     * Headers of this call alone.
     *
     * @return values by name
     */
    public Map<String, String> getHeaders() {
        return headers;
    }

    /**
     * The key under which the service recognises a repetition of this call.
     *
     * @return the key, or null for one of the SDK's making
     */
    public String getIdempotencyKey() {
        return idempotencyKey;
    }

    /**
     * The request's id at the service.
     *
     * @return the id, or null for one of the service's making
     */
    public String getRequestId() {
        return requestId;
    }

    /**
     * Who is told of the answer's status and headers.
     *
     * @return the listener, or null
     */
    public Consumer<ResponseInfo> getOnResponse() {
        return onResponse;
    }

    /** For people: of headers the names only, for a value may be a secret. */
    @Override
    public String toString() {
        return "CallOptions{timeout=" + timeout + ", connectTimeout=" + connectTimeout + ", retries=" + retries + ", headers=" + headers.keySet()
                + ", idempotencyKey=" + idempotencyKey + ", requestId=" + requestId + '}';
    }

    /** Builds {@link CallOptions}. */
    public static final class Builder {
        private final Map<String, String> headers = new LinkedHashMap<>();
        private Duration timeout;
        private Duration connectTimeout;
        private Integer retries;
        private String idempotencyKey;
        private String requestId;
        private Consumer<ResponseInfo> onResponse;

        private Builder() {}

        /**
         * How long the call may take in all, tries and waits included; the client's 30 seconds when left out.
         *
         * @param value more than zero and at most 24 hours, rounded up to whole milliseconds; null for the client's
         * @return this builder
         * @throws ValidationException when it is another
         */
        public Builder timeout(Duration value) {
            Arguments.time("timeout", value);
            timeout = value;
            return this;
        }

        /**
         * How long connecting may take; the client's 5 seconds when left out.
         *
         * @param value more than zero and at most 24 hours, rounded up to whole milliseconds; null for the client's
         * @return this builder
         * @throws ValidationException when it is another
         */
        public Builder connectTimeout(Duration value) {
            Arguments.time("connectTimeout", value);
            connectTimeout = value;
            return this;
        }

        /**
         * How often the call may be repeated; the client's 2 when left out.
         *
         * @param value from 0
         * @return this builder
         */
        public Builder retries(int value) {
            retries = value;
            return this;
        }

        /**
         * Adds a header to this call.
         *
         * @param name the header's name
         * @param value the header's value
         * @return this builder
         * @throws ValidationException when one of them is null
         */
        public Builder header(String name, String value) {
            headers.put(Arguments.given("headers", name, "a name must not be null"), Arguments.given("headers." + name, value));
            return this;
        }

        /**
         * The key under which the service recognises a repetition of this call; one of the SDK's making when left out.
         *
         * @param value 1 to 255 visible ASCII characters; null for one of the SDK's making
         * @return this builder
         */
        public Builder idempotencyKey(String value) {
            idempotencyKey = value;
            return this;
        }

        /**
         * The request's id at the service, which its logs and its audit carry.
         *
         * @param value 1 to 128 characters of {@code A-Za-z0-9._-}; null for one of the service's making
         * @return this builder
         */
        public Builder requestId(String value) {
            requestId = value;
            return this;
        }

        /**
         * Tells the status, the headers and the request id of the answer before the call returns, on the caller's thread or,
         * of an {@code …Async} call, on the client's executor. Errors carry theirs themselves.
         *
         * @param value the listener, or null
         * @return this builder
         */
        public Builder onResponse(Consumer<ResponseInfo> value) {
            onResponse = value;
            return this;
        }

        /**
         * The options.
         *
         * @return immutable options
         */
        public CallOptions build() {
            return new CallOptions(this);
        }
    }
}

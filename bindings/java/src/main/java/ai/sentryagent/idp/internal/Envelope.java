package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.CallOptions;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The arguments of a call, on their way into the native core. */
public final class Envelope {
    private final List<String> path = new ArrayList<>(4);
    private Part<?> query;
    private Part<?> body;
    private String missing;

    /** A path id; null is refused here, an empty one by the core. */
    public Envelope path(String name, Object value) {
        path.add(name);
        path.add(String.valueOf(value));
        return given(name, value);
    }

    /** An argument that must be there. It is refused when the call begins: the fault of a future comes out of the future. */
    public Envelope given(String name, Object value) {
        if (value == null && missing == null) {
            missing = name;
        }
        return this;
    }

    /** Query parameters; null when there are none. */
    public <T> Envelope query(Codec<T> codec, T value) {
        query = value == null ? null : new Part<>(codec, value);
        return this;
    }

    /** The body; null when it is left out. */
    public <T> Envelope body(Codec<T> codec, T value) {
        body = value == null ? null : new Part<>(codec, value);
        return this;
    }

    /** {@code traceparent} is null when there is none to pass on. */
    byte[] encode(CallOptions options, String traceparent) {
        if (missing != null) {
            throw Arguments.refused(missing, "must not be null");
        }
        return Encoding.bytes(Envelope::refused, out -> {
            out.writeStartObject();
            if (!path.isEmpty()) {
                out.writeObjectFieldStart("path");
                for (int i = 0; i < path.size(); i += 2) {
                    out.writeStringField(path.get(i), path.get(i + 1));
                }
                out.writeEndObject();
            }
            if (query != null) {
                out.writeFieldName("query");
                query.write(out);
            }
            if (body != null) {
                out.writeFieldName("body");
                body.write(out);
            }
            if (options != null || traceparent != null) {
                out.writeObjectFieldStart("options");
                if (options != null) {
                    write(out, options);
                }
                headers(out, options, traceparent);
                out.writeEndObject();
            }
            out.writeEndObject();
        });
    }

    /** By the caller's own name of the field: the envelope's parts are ours. */
    private static AgentIdPException refused(String place, String reason) {
        return Arguments.refused(place.substring(place.indexOf('.') + 1), reason);
    }

    private static void write(JsonGenerator out, CallOptions options) throws IOException {
        if (options.getTimeout() != null) {
            out.writeNumberField("timeoutMs", Arguments.time("timeout", options.getTimeout()));
        }
        if (options.getConnectTimeout() != null) {
            out.writeNumberField("connectTimeoutMs", Arguments.time("connectTimeout", options.getConnectTimeout()));
        }
        if (options.getRetries() != null) {
            out.writeNumberField("retries", options.getRetries());
        }
        if (options.getIdempotencyKey() != null) {
            out.writeStringField("idempotencyKey", options.getIdempotencyKey());
        }
        if (options.getRequestId() != null) {
            out.writeStringField("requestId", options.getRequestId());
        }
    }

    private static void headers(JsonGenerator out, CallOptions options, String traceparent) throws IOException {
        Map<String, String> given = options == null ? Map.of() : options.getHeaders();
        if (given.isEmpty() && traceparent == null) {
            return;
        }
        out.writeObjectFieldStart("headers");
        for (Map.Entry<String, String> header : given.entrySet()) {
            out.writeStringField(header.getKey(), header.getValue());
        }
        if (traceparent != null) {
            out.writeStringField(Traceparent.HEADER, traceparent);
        }
        out.writeEndObject();
    }

    private record Part<T>(Codec<T> codec, T value) {
        void write(JsonGenerator out) throws IOException {
            codec.write(out, value);
        }
    }
}

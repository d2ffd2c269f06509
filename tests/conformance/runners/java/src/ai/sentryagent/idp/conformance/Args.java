package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.CallOptions;
import ai.sentryagent.idp.ResponseInfo;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** A case's arguments, {@code {path, query, body, options}}, as the public types that the SDK's methods take. */
final class Args {
    private final Map<String, Object> envelope;
    private final Consumer<ResponseInfo> seen;

    Args(Object envelope) {
        this(envelope == null ? Map.of() : Tree.object(envelope), null);
    }

    private Args(Map<String, Object> envelope, Consumer<ResponseInfo> seen) {
        this.envelope = envelope;
        this.seen = seen;
    }

    /** The same, with somebody who is told of the answer's status and headers. */
    Args seenBy(Consumer<ResponseInfo> listener) {
        return new Args(envelope, listener);
    }

    /** A path id, or a positional field of the body; empty when the case leaves it out. */
    String text(String part, String name) {
        Object value = part(part).get(name);
        return value == null ? "" : String.valueOf(value);
    }

    /** A query or a body that may be left out. */
    <T> T optional(String part, Function<String, T> fromJson) {
        return envelope.get(part) == null ? null : fromJson.apply(Tree.write(envelope.get(part)));
    }

    /** A query or a body that the method insists on. */
    <T> T required(String part, Function<String, T> fromJson) {
        return fromJson.apply(Tree.write(part(part)));
    }

    /** Null when the case has none: the method then gets none. */
    CallOptions options() {
        Map<String, Object> options = part("options");
        if (options.isEmpty() && seen == null) {
            return null;
        }
        CallOptions.Builder builder = CallOptions.builder();
        if (seen != null) {
            builder.onResponse(seen);
        }
        options.forEach((name, value) -> {
            switch (name) {
                case "timeoutMs" -> builder.timeout(Subjects.ms(value));
                case "connectTimeoutMs" -> builder.connectTimeout(Subjects.ms(value));
                case "retries" -> builder.retries(((Number) value).intValue());
                case "headers" -> Tree.object(value).forEach((header, text) -> builder.header(header, (String) text));
                case "idempotencyKey" -> builder.idempotencyKey((String) value);
                case "requestId" -> builder.requestId((String) value);
                default -> throw new IllegalArgumentException("no such option: " + name);
            }
        });
        return builder.build();
    }

    private Map<String, Object> part(String name) {
        return envelope.get(name) == null ? Map.of() : Tree.object(envelope.get(name));
    }
}

package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.Checks;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Checks that a webhook comes from the service and is no replay (Standard Webhooks v1).
 *
 * <pre>{@code
 * Map<String, Object> event = Webhooks.verifyWebhook(body, request::getHeader, secret);
 * }</pre>
 */
public final class Webhooks {
    /** How old, or how far ahead, a webhook may be. */
    public static final Duration TOLERANCE = Duration.ofMinutes(5);

    /** What a signature is made of; Standard Webhooks names no other. */
    private static final List<String> HEADERS = List.of("webhook-id", "webhook-timestamp", "webhook-signature");

    private Webhooks() {}

    /**
     * Checks a webhook of at most five minutes' age.
     *
     * @param payload the body, byte for byte as it came
     * @param header gives the value of the header of that name, or null: {@code request::getHeader}
     * @param secret the endpoint's secret, {@code whsec_…}
     * @return the payload, as JSON values by name
     * @throws AuthenticationException {@code INVALID_WEBHOOK}: {@link AgentIdPException#getDetails} says as {@code reason}
     *     whether a header, the timestamp or the signature is wrong
     * @throws ConfigurationException when the secret is none
     * @throws ValidationException when an argument is null
     * @throws DecodingException when the payload is genuine but no JSON object
     */
    public static Map<String, Object> verifyWebhook(byte[] payload, Function<String, String> header, String secret) {
        Arguments.given("header", header, "must give the request's headers by their names, such as request::getHeader");
        Map<String, String> headers = new LinkedHashMap<>();
        for (String name : HEADERS) {
            String value = header.apply(name);
            if (value != null) {
                headers.put(name, value);
            }
        }
        return verifyWebhook(payload, headers, List.of(Arguments.given("secret", secret)), null, null);
    }

    /**
     * As {@link #verifyWebhook(byte[], Function, String)}.
     *
     * @param payload the body, byte for byte as it came
     * @param headers the request's headers, by name without regard to case
     * @param secret the endpoint's secret, {@code whsec_…}
     * @return the payload, as JSON values by name
     * @throws AgentIdPException when the webhook does not hold, or an argument is none ({@link ValidationException})
     */
    public static Map<String, Object> verifyWebhook(byte[] payload, Map<String, String> headers, String secret) {
        return verifyWebhook(payload, headers, List.of(Arguments.given("secret", secret)), null, null);
    }

    /**
     * As {@link #verifyWebhook(byte[], Function, String)}, with everything.
     *
     * @param payload the body, byte for byte as it came
     * @param headers the request's headers, by name without regard to case
     * @param secrets any of these may have signed it: the old and the new one while a secret is changed
     * @param tolerance how old, or how far ahead, it may be, from zero; null for {@link #TOLERANCE}
     * @param now the time to compare with, from 1970 to 9999; null for the present
     * @return the payload, as JSON values by name
     * @throws AgentIdPException when the webhook does not hold, or an argument is none ({@link ValidationException})
     */
    public static Map<String, Object> verifyWebhook(
            byte[] payload, Map<String, String> headers, List<String> secrets, Duration tolerance, Instant now) {
        return Checks.webhook(
                payload,
                headers,
                secrets,
                tolerance == null ? TOLERANCE : tolerance,
                now);
    }
}

package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** Standard Webhooks, signed here by the JDK. */
class WebhooksTest {
    private static final byte[] KEY = "a key of thirty-two bytes, no less".getBytes(StandardCharsets.US_ASCII);
    private static final String SECRET = "whsec_" + Base64.getEncoder().encodeToString(KEY);
    private static final byte[] PAYLOAD = "{\"type\":\"agent.updated\",\"data\":{\"n\":1}}".getBytes(StandardCharsets.UTF_8);

    @Test
    void aGenuineOneGivesItsPayload() {
        Map<String, String> headers = signed(Instant.now());
        assertEquals("agent.updated", Webhooks.verifyWebhook(PAYLOAD, headers, SECRET).get("type"));
        assertEquals(Map.of("n", 1L), Webhooks.verifyWebhook(PAYLOAD, headers::get, SECRET).get("data"));
        Map<String, String> loud = new LinkedHashMap<>();
        headers.forEach((name, value) -> loud.put(name.toUpperCase(java.util.Locale.ROOT), value));
        assertEquals("agent.updated", Webhooks.verifyWebhook(PAYLOAD, loud, SECRET).get("type"));
    }

    @Test
    void anOldOneIsAReplay() {
        Map<String, String> old = signed(Instant.now().minus(Duration.ofMinutes(6)));
        assertEquals("timestamp", reason(() -> Webhooks.verifyWebhook(PAYLOAD, old, SECRET)));
        Webhooks.verifyWebhook(PAYLOAD, old, List.of(SECRET), Duration.ofMinutes(10), null);
        Instant then = Instant.ofEpochSecond(1_700_000_000);
        Webhooks.verifyWebhook(PAYLOAD, signed(then), List.of(SECRET), null, then.plusSeconds(10));
    }

    @Test
    void aChangedOneAndAnUnsignedOneAreRefused() {
        Map<String, String> headers = signed(Instant.now());
        assertEquals("signature", reason(() -> Webhooks.verifyWebhook("{}".getBytes(StandardCharsets.UTF_8), headers, SECRET)));
        assertEquals("header", reason(() -> Webhooks.verifyWebhook(PAYLOAD, Map.of(), SECRET)));
        assertEquals("header", reason(() -> Webhooks.verifyWebhook(PAYLOAD, name -> null, SECRET)));
    }

    @Test
    void anyOfTheSecretsMayHaveSigned() {
        String other = "whsec_" + Base64.getEncoder().encodeToString(new byte[32]);
        Webhooks.verifyWebhook(PAYLOAD, signed(Instant.now()), List.of(other, SECRET), null, null);
        assertEquals("signature", reason(() -> Webhooks.verifyWebhook(PAYLOAD, signed(Instant.now()), other)));
    }

    @Test
    void aSecretThatIsNoneIsAConfigurationErrorThatDoesNotShowIt() {
        ConfigurationException error = assertThrows(
                ConfigurationException.class, () -> Webhooks.verifyWebhook(PAYLOAD, signed(Instant.now()), "not-a-secret!"));
        assertEquals(-1, error.toString().indexOf("not-a-secret!"));
    }

    private static String reason(org.junit.jupiter.api.function.Executable check) {
        AuthenticationException error = assertThrows(AuthenticationException.class, check);
        assertEquals("INVALID_WEBHOOK", error.getCode());
        return (String) error.getDetails().get("reason");
    }

    private static Map<String, String> signed(Instant at) {
        String id = "msg_1";
        String time = String.valueOf(at.getEpochSecond());
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
            mac.update((id + '.' + time + '.').getBytes(StandardCharsets.US_ASCII));
            String signature = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(PAYLOAD));
            return Map.of("webhook-id", id, "webhook-timestamp", time, "webhook-signature", signature);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}

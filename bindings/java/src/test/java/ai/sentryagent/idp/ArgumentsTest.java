package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.models.AgentStatus;
import ai.sentryagent.idp.models.AuditEvent;
import ai.sentryagent.idp.models.ListAgentsParams;
import ai.sentryagent.idp.models.RegisterAgentRequest;
import ai.sentryagent.idp.servlet.TokenVerifierFilter;
import ai.sentryagent.idp.spring.TokenVerifierJwtDecoder;
import ai.sentryagent.idp.testing.Fault;
import ai.sentryagent.idp.testing.ManualClock;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Whatever a caller gives that is none: refused by its name, with an error of the SDK's, before any request. */
class ArgumentsTest {
    private static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();
    private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final String HALF = "\ud800";

    private Wire wire;
    private AgentIdPClient client;

    @BeforeEach
    void open() throws IOException {
        wire = new Wire();
        client = wire.client().build();
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        assertEquals(0, wire.count(Wire.TOKEN), "nothing was asked for");
        wire.close();
    }

    /** A fault of an argument, which it names; the field is told apart from the message, too. */
    private static void refused(String field, String says, Executable call) {
        ValidationException error = assertThrows(ValidationException.class, call, field);
        assertEquals("VALIDATION_ERROR", error.getCode());
        assertTrue(error.getMessage().startsWith(field + ": "), error.getMessage());
        assertTrue(error.getMessage().contains(says), error.getMessage());
        assertEquals(field, error.getErrors().get(0).field());
        assertNull(error.getHttpStatus());
    }

    private static void misconfigured(String says, Executable call) {
        ConfigurationException error = assertThrows(ConfigurationException.class, call, says);
        assertEquals("CONFIGURATION_ERROR", error.getCode());
        assertTrue(error.getMessage().contains(says), error.getMessage());
    }

    private static void refusedLater(String field, CompletableFuture<?> future) {
        Throwable cause = assertThrows(CompletionException.class, future::join).getCause();
        assertTrue(assertInstanceOf(ValidationException.class, cause).getMessage().startsWith(field + ": "), cause.getMessage());
    }

    @Test
    void timesOfAClient() {
        for (Duration time : List.of(Duration.ZERO, Duration.ofMillis(-1), Duration.ofHours(24).plusNanos(1), FOREVER)) {
            misconfigured("timeout must be longer than zero and at most 24 hours", () -> wire.client().timeout(time));
            misconfigured("connectTimeout must be", () -> wire.client().connectTimeout(time));
            misconfigured("timeout must be", () -> TokenVerifier.builder().timeout(time));
            misconfigured("connectTimeout must be", () -> TokenVerifier.builder().connectTimeout(time));
        }
        try (AgentIdPClient short_ = wire.client().timeout(Duration.ofNanos(1)).connectTimeout(Duration.ofHours(24)).build()) {
            assertEquals(1L, ((Map<?, ?>) short_.explainConfiguration().get("timeoutMs")).get("value"));
        }
        for (Duration leeway : List.of(Duration.ofNanos(-1), FOREVER)) {
            misconfigured("leeway", () -> TokenVerifier.builder().issuer("https://a.example").audience("b").leeway(leeway).build());
        }
    }

    @Test
    void settingsOfAClient() {
        misconfigured("headers: a name", () -> wire.client().header(null, "x"));
        misconfigured("headers.x-team", () -> wire.client().header("x-team", null));
        misconfigured("scopes[1]", () -> wire.client().scopes("agents:read", null));
        misconfigured("scopes[0]", () -> wire.client().scopes(Collections.singletonList(null)));
        misconfigured("retries", () -> wire.client().retries(-1).build());
        misconfigured("clientId", () -> wire.client().clientId(HALF).build());
        misconfigured("scopes[0]", () -> wire.client().scopes(HALF).build());
        misconfigured("base_url", () -> new AgentIdPClient("no url", "a", "b"));
        misconfigured("base_url", () -> new TokenManager("no url", "a", "b", null));
        // Null is left out; what was given is not changed from outside.
        List<String> scopes = new ArrayList<>(List.of("agents:read"));
        AgentIdPClientBuilder builder = wire.client().timeout(null).connectTimeout(null).scopes((String[]) null).scopes(scopes)
                .caBundle(null).proxy(null).clock(null).executor(null).traceparent(null);
        scopes.set(0, null);
        try (AgentIdPClient made = builder.build()) {
            assertEquals(List.of("agents:read"), ((Map<?, ?>) made.explainConfiguration().get("scopes")).get("value"));
        }
    }

    @Test
    void optionsOfACall() {
        for (Duration time : List.of(Duration.ZERO, Duration.ofSeconds(-1), FOREVER)) {
            refused("timeout", "at most 24 hours", () -> CallOptions.builder().timeout(time));
            refused("connectTimeout", "at most 24 hours", () -> CallOptions.builder().connectTimeout(time));
        }
        refused("headers", "name must not be null", () -> CallOptions.builder().header(null, "x"));
        refused("headers.x-team", "must not be null", () -> CallOptions.builder().header("x-team", null));
        CallOptions none = CallOptions.builder().timeout(null).connectTimeout(null).idempotencyKey(null).requestId(null).onResponse(null).build();
        assertNull(none.getTimeout());
        refused("retries", "whole number from 0", () -> client.agents().getAgent("a", CallOptions.builder().retries(-1).build()));
        refused("requestId", "1 to 128", () -> client.agents().getAgent("a", CallOptions.builder().requestId("").build()));
        refused("headers.x-team", "surrogate", () -> client.agents().getAgent("a", CallOptions.builder().header("x-team", HALF).build()));
    }

    @Test
    void argumentsOfACall() {
        refused("agentId", "must not be null", () -> client.agents().getAgent(null));
        refused("agentId", "must not be null", () -> client.agents().decommissionAgent(null));
        refused("credentialId", "must not be null", () -> client.credentials().revokeCredential("a", null));
        refused("agentId", "", () -> client.agents().getAgent(""));
        refused("agentId", "surrogate", () -> client.agents().getAgent(HALF));
        refused("agentId", "surrogate", () -> client.agents().getAgent("\udc00a"));
        refused("token", "must not be null", () -> client.tokens().introspectToken(null));
        refused("token", "must not be null", () -> client.tokens().revokeToken(null));
        refused("request", "must not be null", () -> client.agents().registerAgent(null));
        refused("agentId", "must not be null", () -> client.agents().updateAgent(null, null));
        refused("agentId", "must not be null", () -> client.credentials().listCredentialsAll(null).iterator().hasNext());
        refused("owner", "surrogate", () -> client.agents().registerAgent(RegisterAgentRequest.builder().owner(HALF).build()));
        refusedLater("agentId", client.agents().getAgentAsync(null));
        refusedLater("token", client.tokens().introspectTokenAsync(null));
        refusedLater("request", client.agents().registerAgentAsync(null));
    }

    @Test
    void valuesOfAModel() {
        refused("capabilities[1]", "must not be null", () -> RegisterAgentRequest.builder().capabilities(Arrays.asList("a", null)));
        refused("name", "must not be null", () -> RegisterAgentRequest.builder().additionalProperty(null, 1));
        refused("mood", "must be a JSON value", () -> RegisterAgentRequest.builder().additionalProperty("mood", new Object()));
        refused("mood", "finite", () -> RegisterAgentRequest.builder().additionalProperty("mood", List.of(Double.NaN)));
        refused("mood", "finite", () -> RegisterAgentRequest.builder().additionalProperty("mood", Float.POSITIVE_INFINITY));
        refused("mood", "strings for keys", () -> RegisterAgentRequest.builder().additionalProperty("mood", Map.of(1, 2)));
        List<Object> endless = new ArrayList<>();
        endless.add(endless);
        refused("mood", "too deeply", () -> RegisterAgentRequest.builder().additionalProperty("mood", endless));
        Object deep = List.of();
        for (int i = 0; i < 500; i++) {
            deep = List.of(deep);
        }
        RegisterAgentRequest nested = RegisterAgentRequest.builder().additionalProperty("mood", deep).build();
        wire.answer("/api/v1/agents", 201, Wire.agent("a1"));
        refused("value", "must not be null", () -> AgentStatus.of(null));
        refused("json", "must not be null", () -> RegisterAgentRequest.fromJson(null));
        assertEquals(nested, RegisterAgentRequest.fromJson(nested.toJson()));
        assertEquals(ListAgentsParams.builder().build(), ListAgentsParams.builder().status((String) null).page((Long) null).build());
    }

    @Test
    void aVerifier() {
        misconfigured("audience", () -> TokenVerifier.builder().audience((String[]) null));
        misconfigured("audience", () -> TokenVerifier.builder().audience((List<String>) null));
        misconfigured("audience[1]", () -> TokenVerifier.builder().audience("a", null));
        misconfigured("requiredScopes", () -> TokenVerifier.builder().requiredScopes((String[]) null));
        misconfigured("requiredScopes[0]", () -> TokenVerifier.builder().requiredScopes(Collections.singletonList(null)));
        misconfigured("verifier", () -> new TokenVerifierFilter(null));
        misconfigured("verifier", () -> new TokenVerifierJwtDecoder(null));
        try (TokenVerifier verifier = TokenVerifier.builder().issuer(wire.url()).audience("here").build()) {
            misconfigured("requiredScopes[0]", () -> new TokenVerifierFilter(verifier, (String) null));
            // No token is no token: whoever hands on a header that did not come is refused like any other.
            for (String token : Arrays.asList(null, "", HALF, "a.b.c", " ")) {
                AuthenticationException error = assertThrows(AuthenticationException.class, () -> verifier.verify(token));
                assertEquals("INVALID_TOKEN", error.getCode());
                Throwable late = assertThrows(CompletionException.class, () -> verifier.verifyAsync(token).join()).getCause();
                assertInstanceOf(AuthenticationException.class, late);
            }
            // Not taken for "no scopes": that would let everybody in.
            refused("requiredScopes", "List.of()", () -> verifier.verify("a.b.c", null));
            refused("requiredScopes[1]", "must not be null", () -> verifier.verify("a.b.c", Arrays.asList("a", null)));
            refusedLater("requiredScopes", verifier.verifyAsync("a.b.c", null));
        }
    }

    @Test
    void aWebhook() {
        byte[] body = {};
        Map<String, String> headers = new HashMap<>(Map.of("webhook-id", "1", "webhook-timestamp", "1", "webhook-signature", "v1,AA=="));
        refused("payload", "as it came", () -> Webhooks.verifyWebhook(null, headers, SECRET));
        refused("headers", "not null", () -> Webhooks.verifyWebhook(body, (Map<String, String>) null, SECRET));
        refused("header", "getHeader", () -> Webhooks.verifyWebhook(body, (Function<String, String>) null, SECRET));
        refused("secret", "must not be null", () -> Webhooks.verifyWebhook(body, headers, null));
        refused("secrets", "must not be null", () -> Webhooks.verifyWebhook(body, headers, null, null, null));
        refused("secrets[0]", "must not be null", () -> Webhooks.verifyWebhook(body, headers, Collections.singletonList(null), null, null));
        refused("tolerance", "negative", () -> Webhooks.verifyWebhook(body, headers, List.of(SECRET), Duration.ofNanos(-1), null));
        for (Instant now : List.of(Instant.MIN, Instant.EPOCH.minusMillis(1), Instant.MAX)) {
            refused("now", "1970", () -> Webhooks.verifyWebhook(body, headers, List.of(SECRET), null, now));
        }
        // What some HTTP libraries have among the headers: the status line, and names without a value.
        headers.put(null, "HTTP/1.1 200 OK");
        headers.put("x-empty", null);
        AuthenticationException error = assertThrows(
                AuthenticationException.class, () -> Webhooks.verifyWebhook(body, headers, List.of(SECRET), FOREVER, null));
        assertEquals("signature", error.getDetails().get("reason"));
    }

    @Test
    void auditEvents() {
        refused("events", "list", () -> AuditChain.verifyAuditEvents(null));
        refused("events[0]", "must not be null", () -> AuditChain.verifyAuditEvents(Collections.<AuditEvent>singletonList(null)));
        assertTrue(AuditChain.verifyAuditEvents(List.of()).verified());
    }

    @Test
    void clocksAndFaults() {
        ManualClock clock = new ManualClock();
        refused("time", "must not be null", () -> clock.advance(null));
        refused("time", "negative", () -> clock.advance(Duration.ofNanos(-1)));
        refused("by", "must not be null", () -> clock.jumpWall(null));
        refused("atMost", "must not be null", () -> clock.awaitSleep(null, Duration.ZERO));
        refused("patience", "must not be null", () -> clock.awaitSleep(FOREVER, null));
        for (double chance : new double[] {Double.NaN, -0.1, 1.1, Double.POSITIVE_INFINITY}) {
            refused("value", "from 0 to 1", () -> clock.setRandom(chance));
        }
        assertFalse(clock.awaitSleep(FOREVER, Duration.ZERO).isPresent());
        clock.jumpWall(FOREVER.negated());
        assertEquals(Instant.EPOCH, clock.now());
        clock.jumpWall(FOREVER);
        clock.advance(FOREVER);
        assertTrue(clock.now().isAfter(Instant.EPOCH));
        refused("code", "must not be null", () -> Fault.code(null));
        refused("prefix", "must not be null", () -> Fault.cut().path(null));
        refused("time", "must not be null", () -> Fault.delay(null));
        refused("time", "negative", () -> Fault.cut().retryAfter(Duration.ofSeconds(-1)));
        Fault.delay(FOREVER);
    }
}

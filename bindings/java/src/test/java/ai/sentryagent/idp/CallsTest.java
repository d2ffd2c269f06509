package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.models.Agent;
import ai.sentryagent.idp.models.AgentStatus;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Values, errors and settings across the bridge. */
class CallsTest {
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
        wire.close();
    }

    @Test
    void aValueArrivesWithTypes() {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        Agent agent = client.agents().getAgent("a1");
        assertEquals("a1", agent.getAgentId());
        assertEquals(AgentStatus.ACTIVE, agent.getStatus());
        assertEquals(List.of("resume:read"), agent.getCapabilities());
        assertEquals(Instant.parse("2026-03-28T09:00:00.123Z"), agent.getUpdatedAt());
        assertNull(agent.getDid());
        assertFalse(agent.isPublic());
    }

    @Test
    void aFutureGivesTheSameValue() throws Exception {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        Agent agent = client.agents().getAgentAsync("a1").get(30, TimeUnit.SECONDS);
        assertEquals(client.agents().getAgent("a1"), agent);
    }

    @Test
    void whatIsNotKnownYetIsKept() {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1").replace("\"active\"", "\"dreaming\"").replaceFirst("\\{", "{\"mood\":{\"level\":3},"));
        Agent agent = client.agents().getAgent("a1");
        assertEquals("dreaming", agent.getStatus().value());
        assertFalse(agent.getStatus().isKnown());
        assertEquals(java.util.Map.of("level", 3L), agent.getAdditionalProperties().get("mood"));
    }

    @Test
    void anIdIsEscapedInThePath() {
        wire.answer(Wire.AGENT + "a%2Fb", 200, Wire.agent("a/b"));
        assertEquals("a/b", client.agents().getAgent("a/b").getAgentId());
    }

    @Test
    void statusAndHeadersCanBeHad() {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"), "X-Request-Id: r-7", "X-Seen: one");
        List<ResponseInfo> seen = new ArrayList<>();
        client.agents().getAgent("a1", CallOptions.builder().header("X-Ask", "yes").onResponse(seen::add).build());
        assertEquals(200, seen.get(0).status());
        assertEquals("r-7", seen.get(0).requestId());
        assertEquals(List.of("one"), seen.get(0).headers().get("x-seen"));
        assertTrue(wire.head(Wire.AGENT + "a1").toLowerCase(java.util.Locale.ROOT).contains("x-ask: yes"));
        assertTrue(wire.head(Wire.AGENT + "a1").contains("(java JVM 17") || wire.head(Wire.AGENT + "a1").contains("(java JVM "));
    }

    @Test
    void anErrorHasItsClassAndItsFacts() {
        wire.answer(Wire.AGENT + "gone", 404, "{\"code\":\"AGENT_NOT_FOUND\",\"message\":\"Agent not found.\"}", "X-Request-Id: r-8");
        NotFoundException error = assertThrows(NotFoundException.class, () -> client.agents().getAgent("gone"));
        assertEquals("AGENT_NOT_FOUND", error.getCode());
        assertEquals(404, error.getHttpStatus());
        assertEquals("r-8", error.getRequestId());
        assertEquals("Agent not found.", error.getMessage());
        assertEquals(0, error.getRetryCount());
        assertFalse(error.isRetryable());
    }

    @Test
    void aFailedFutureCarriesTheSameError() {
        wire.answer(Wire.AGENT + "gone", 404, "{\"code\":\"AGENT_NOT_FOUND\",\"message\":\"Agent not found.\"}");
        var future = client.agents().getAgentAsync("gone");
        ExecutionException error = assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS));
        assertInstanceOf(NotFoundException.class, error.getCause());
        assertInstanceOf(NotFoundException.class, assertThrows(CompletionException.class, future::join).getCause());
    }

    @Test
    void aRateLimitSaysHowLong() {
        wire.answer(Wire.AGENT + "busy", 429, "{\"code\":\"RATE_LIMIT_EXCEEDED\",\"message\":\"Slow down.\"}", "Retry-After: 7");
        RateLimitException error = assertThrows(RateLimitException.class, () -> client.agents().getAgent("busy"));
        assertEquals(Duration.ofSeconds(7), error.getRetryAfter());
        assertTrue(error.isRetryable());
    }

    @Test
    void aValidationErrorNamesTheFields() {
        wire.answer(Wire.AGENT + "bad", 400, """
                {"code":"VALIDATION_ERROR","message":"no","details":{"errors":[{"field":"email","reason":"is odd"}]}}""");
        ValidationException error = assertThrows(ValidationException.class, () -> client.agents().getAgent("bad"));
        assertEquals(List.of(new ValidationException.FieldError("email", "is odd")), error.getErrors());
    }

    @Test
    void anAnswerThatBreaksTheContractIsADecodingError() {
        wire.answer(Wire.AGENT + "half", 200, "{\"agentId\":\"half\"}");
        assertThrows(DecodingException.class, () -> client.agents().getAgent("half"));
    }

    @Test
    void theDeadlineOfOneCallIsKept() throws Exception {
        CallOptions options = CallOptions.builder().timeout(Duration.ofMillis(100)).build();
        assertThrows(ApiTimeoutException.class, () -> client.agents().getAgent("never", options));
        wire.awaitHangUp(Wire.AGENT + "never");
    }

    @Test
    void nobodyListensIsAConnectionError() throws IOException {
        String url = wire.url();
        wire.close();
        try (AgentIdPClient lonely = AgentIdPClient.builder().baseUrl(url).clientId("me").clientSecret("s").retries(0).build()) {
            ApiConnectionException error = assertThrows(ApiConnectionException.class, () -> lonely.agents().getAgent("a1"));
            assertNull(error.getHttpStatus());
            assertNotNull(error.getCode());
        }
    }

    @Test
    void missingSettingsAreNamed() {
        ConfigurationException error = assertThrows(
                ConfigurationException.class, () -> AgentIdPClient.builder().baseUrl("http://192.0.2.1").clientId("me").clientSecret("s").build());
        assertTrue(error.getMessage().contains("http"), error.getMessage());
    }

    @Test
    void aClosedClientSaysSo() {
        client.close();
        ConfigurationException error = assertThrows(ConfigurationException.class, () -> client.agents().getAgent("a1"));
        assertEquals("CLIENT_CLOSED", error.getCode());
    }

    @Test
    void anEmptyIdIsRefusedHere() {
        assertThrows(ValidationException.class, () -> client.agents().getAgent(""));
        assertEquals(0, wire.count(Wire.AGENT));
    }

    @Test
    void theConfigurationIsExplainedWithoutSecrets() {
        String text = client.explainConfiguration().toString();
        assertTrue(text.contains(wire.url()), text);
        assertFalse(text.contains("sk_live_secret"), text);
    }

    @Test
    void errorsCanBeSerialized() throws Exception {
        wire.answer(Wire.AGENT + "bad", 400, """
                {"code":"VALIDATION_ERROR","message":"no","details":{"errors":[{"field":"email","reason":"is odd"}]}}""");
        ValidationException error = assertThrows(ValidationException.class, () -> client.agents().getAgent("bad"));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(error);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            ValidationException copy = (ValidationException) in.readObject();
            assertEquals(error.getRecord(), copy.getRecord());
            assertEquals(error.getErrors(), copy.getErrors());
        }
    }

    @Test
    void tokensAreManagedForOnesOwnCalls() throws Exception {
        try (TokenManager tokens = new TokenManager(wire.url(), "other", "s", "agents:read")) {
            assertEquals("t", tokens.getToken());
            assertEquals("t", tokens.getTokenAsync().get(30, TimeUnit.SECONDS));
            assertEquals(1, wire.count(Wire.TOKEN));
            tokens.clearTokenCache();
            assertEquals("t", tokens.getToken());
            assertEquals(2, wire.count(Wire.TOKEN));
        }
    }
}

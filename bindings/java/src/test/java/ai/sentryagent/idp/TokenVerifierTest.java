package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.testing.ManualClock;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tokens checked where they arrive. */
class TokenVerifierTest {
    private Issuer issuer;
    private TokenVerifier verifier;

    @BeforeEach
    void open() throws IOException {
        issuer = new Issuer();
        verifier = issuer.verifier().build();
    }

    @AfterEach
    void close() throws IOException {
        verifier.close();
        issuer.close();
    }

    @Test
    void aGoodTokenSaysWhoItIs() {
        VerifiedToken token = verifier.verify(issuer.good(), List.of("agents:read"));
        assertEquals("agent-1", token.getSubject());
        assertEquals("agent-1", token.getClientId());
        assertEquals("org-1", token.getOrganizationId());
        assertEquals(List.of("agents:read", "audit:read"), token.getScopes());
        assertTrue(token.hasScopes(List.of("audit:read")));
        assertEquals("t-1", token.getTokenId());
        assertEquals(issuer.wire.url(), token.getIssuer());
        assertEquals(List.of(Issuer.AUDIENCE), token.getAudience());
        assertEquals("k1", token.getKeyId());
        assertEquals("RS256", token.getAlgorithm());
        assertTrue(token.getExpiresAt().isAfter(token.getIssuedAt()));
        assertEquals(Map.of("level", 3L), token.getClaims().get("mood"));
    }

    @Test
    void theKeysAreFetchedOnce() throws Exception {
        for (int i = 0; i < 5; i++) {
            verifier.verify(issuer.good());
            verifier.verifyAsync(issuer.good()).get(30, TimeUnit.SECONDS);
        }
        assertEquals(1, issuer.wire.count(Issuer.KEYS));
    }

    @Test
    void whatDoesNotHoldIsRefusedWithItsReason() {
        Instant later = Instant.now().plusSeconds(600);
        String url = issuer.wire.url();
        assertEquals("signature", reason(issuer.forged()));
        assertEquals("expired", reason(issuer.token("k1", url, Issuer.AUDIENCE, Instant.now().minusSeconds(120), "")));
        assertEquals("audience", reason(issuer.token("k1", url, "https://other.example.com", later, "")));
        assertEquals("issuer", reason(issuer.token("k1", "https://other.example.com", Issuer.AUDIENCE, later, "")));
        assertEquals("malformed", reason("no token at all"));
        assertEquals("malformed", reason(""));
    }

    private String reason(String token) {
        AuthenticationException error = assertThrows(AuthenticationException.class, () -> verifier.verify(token));
        assertEquals("INVALID_TOKEN", error.getCode());
        assertEquals("invalid_token", error.getOauthError());
        ExecutionException late = assertThrows(
                ExecutionException.class, () -> verifier.verifyAsync(token).get(30, TimeUnit.SECONDS));
        assertEquals(error.getRecord(), assertInstanceOf(AuthenticationException.class, late.getCause()).getRecord());
        return (String) error.getDetails().get("reason");
    }

    @Test
    void aMissingScopeIsNamed() {
        PermissionDeniedException error = assertThrows(
                PermissionDeniedException.class, () -> verifier.verify(issuer.good(), List.of("agents:write")));
        assertEquals("INSUFFICIENT_SCOPE", error.getCode());
        assertEquals(List.of("agents:write"), error.getDetails().get("requiredScopes"));
        try (TokenVerifier strict = issuer.verifier().requiredScopes("tokens:read").build()) {
            assertThrows(PermissionDeniedException.class, () -> strict.verify(issuer.good()));
        }
    }

    @Test
    void unknownKeysCauseOneFetchAMinute() {
        ManualClock clock = new ManualClock();
        try (TokenVerifier watched = issuer.verifier().clock(clock).build()) {
            watched.verify(issuer.good());
            Instant later = Instant.now().plusSeconds(3600);
            for (int i = 0; i < 20; i++) {
                String unknown = issuer.token("random-" + i, issuer.wire.url(), Issuer.AUDIENCE, later, "");
                assertThrows(AuthenticationException.class, () -> watched.verify(unknown));
            }
            int fetched = issuer.wire.count(Issuer.KEYS);
            assertTrue(fetched <= 2, "fetched " + fetched + " times");
            clock.advance(Duration.ofSeconds(61));
            String unknown = issuer.token("random", issuer.wire.url(), Issuer.AUDIENCE, later, "");
            assertThrows(AuthenticationException.class, () -> watched.verify(unknown));
            assertEquals(fetched + 1, issuer.wire.count(Issuer.KEYS));
        }
    }

    @Test
    void theKeysAreKeptWhileTheIssuerIsAway() throws IOException {
        verifier.verify(issuer.good());
        String good = issuer.good();
        issuer.wire.close();
        assertEquals("agent-1", verifier.verify(good).getSubject());
    }

    @Test
    void anIssuerThatWasNeverThereIsAConnectionError() throws IOException {
        String good = issuer.good();
        issuer.wire.close();
        assertThrows(ApiConnectionException.class, () -> verifier.verify(good));
    }

    @Test
    void timeMovesByTheClock() {
        ManualClock clock = new ManualClock();
        try (TokenVerifier watched = issuer.verifier().leeway(Duration.ofSeconds(1)).clock(clock).build()) {
            String good = issuer.good();
            watched.verify(good);
            clock.advance(Duration.ofMinutes(11));
            assertEquals("expired", assertThrows(AuthenticationException.class, () -> watched.verify(good)).getDetails().get("reason"));
        }
    }

    @Test
    void aVerificationThatWaitsIsCancelled() throws Exception {
        try (TokenVerifier waiting = issuer.verifier().jwksUri(issuer.wire.url() + "/never").build()) {
            var future = waiting.verifyAsync(issuer.good());
            issuer.wire.awaitArrival("/never");
            assertTrue(future.cancel(true));
            assertThrows(CancellationException.class, future::join);
        }
    }

    @Test
    void revocationIsAskedForOverAClient() throws Exception {
        try (Wire service = new Wire(); AgentIdPClient client = service.client().build();
                TokenVerifier strict = issuer.verifier().client(client).build()) {
            service.answer(Wire.TOKEN + "/introspect", 200, "{\"active\":false}");
            AuthenticationException error = assertThrows(AuthenticationException.class, () -> strict.verify(issuer.good()));
            assertEquals("revoked", error.getDetails().get("reason"));
            service.answer(Wire.TOKEN + "/introspect", 200, "{\"active\":true}");
            assertEquals("agent-1", strict.verify(issuer.good()).getSubject());
        }
    }

    @Test
    void settingsAreChecked() {
        assertThrows(ConfigurationException.class, () -> TokenVerifier.builder().build());
        assertThrows(ConfigurationException.class, () -> TokenVerifier.builder().issuer("http://192.0.2.1").audience("a").build());
        verifier.close();
        assertEquals("CLIENT_CLOSED", assertThrows(ConfigurationException.class, () -> verifier.verify(issuer.good())).getCode());
    }

    @Test
    void aVerifiedTokenIsAValue() throws Exception {
        String good = issuer.good();
        VerifiedToken token = verifier.verify(good);
        assertEquals(token, verifier.verify(good));
        assertEquals(token.hashCode(), verifier.verify(good).hashCode());
        assertFalse(token.toString().contains(good.substring(good.lastIndexOf('.'))), token.toString());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(token);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertEquals(token, in.readObject());
        }
    }
}

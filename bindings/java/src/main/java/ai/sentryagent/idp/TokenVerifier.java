package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.VerifierBridge;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Checks access tokens where they arrive, without a call for each: the issuer's keys are fetched once and kept. Safe for all
 * threads; make one and keep it.
 *
 * <pre>{@code
 * TokenVerifier verifier = TokenVerifier.builder()
 *         .issuer("https://idp.example.com")
 *         .audience("https://reports.example.com")
 *         .build();
 * VerifiedToken token = verifier.verify(bearer, List.of("agents:read"));
 * }</pre>
 *
 * <p>A token holds when it is signed by RS256, ES256 or EdDSA with a key of the issuer, says the issuer and one of the
 * audiences, and lives (one minute of leeway). A key id that is not known makes the keys be fetched again, once a minute at
 * most; the keys are kept while the issuer is away.
 */
public final class TokenVerifier implements AutoCloseable {
    private final VerifierBridge<VerifiedToken> bridge;
    private final String shown;

    TokenVerifier(VerifierBridge<VerifiedToken> bridge, String shown) {
        this.bridge = bridge;
        this.shown = shown;
    }

    /**
     * A builder without settings.
     *
     * @return the builder
     */
    public static TokenVerifierBuilder builder() {
        return new TokenVerifierBuilder();
    }

    /**
     * Checks a token. Answers on the calling thread when the key is known and nobody is asked about revocation.
     *
     * @param token the token alone, without {@code Bearer}
     * @return what the token says
     * @throws AuthenticationException {@code INVALID_TOKEN}: the token does not hold; {@link AgentIdPException#getDetails}
     *     says why as {@code reason}
     * @throws PermissionDeniedException {@code INSUFFICIENT_SCOPE}: the verifier requires a scope that the token has not
     * @throws AgentIdPException when the issuer's keys cannot be had
     */
    public VerifiedToken verify(String token) {
        return verify(token, List.of());
    }

    /**
     * As {@link #verify(String)}.
     *
     * @param token the token alone, without {@code Bearer}
     * @param requiredScopes scopes that the token must have beside those that the verifier requires
     * @return what the token says
     * @throws ValidationException when the scopes are null, or one of them is
     * @throws AgentIdPException when the token does not hold, lacks a scope, or the issuer's keys cannot be had
     */
    public VerifiedToken verify(String token, Collection<String> requiredScopes) {
        return bridge.verify(token, requiredScopes);
    }

    /**
     * As {@link #verify(String)} without waiting; every fault comes out of the future.
     *
     * @param token the token alone, without {@code Bearer}
     * @return what the token says, to come
     */
    public CompletableFuture<VerifiedToken> verifyAsync(String token) {
        return verifyAsync(token, List.of());
    }

    /**
     * As {@link #verify(String, Collection)} without waiting; every fault comes out of the future.
     *
     * @param token the token alone, without {@code Bearer}
     * @param requiredScopes scopes that the token must have beside those that the verifier requires
     * @return what the token says, to come
     */
    public CompletableFuture<VerifiedToken> verifyAsync(String token, Collection<String> requiredScopes) {
        return bridge.verifyAsync(token, requiredScopes);
    }

    /** Forgets the keys; later verifications fail with {@link ConfigurationException}. */
    @Override
    public void close() {
        bridge.close();
    }

    /** The settings that were given; secrets are masked. */
    @Override
    public String toString() {
        return "TokenVerifier" + shown;
    }
}

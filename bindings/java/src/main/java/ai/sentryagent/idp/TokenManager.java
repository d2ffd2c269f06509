package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Bridge;
import java.util.concurrent.CompletableFuture;

/**
 * Access tokens for calls of one's own. Keeps one token per base URL, client and scopes, renews it in the background before
 * it ends, and asks the service once however many threads ask for it. Safe for all threads.
 *
 * <pre>{@code
 * try (TokenManager tokens = new TokenManager(baseUrl, clientId, clientSecret, "agents:read")) {
 *     request.setHeader("Authorization", "Bearer " + tokens.getToken());
 * }
 * }</pre>
 */
public final class TokenManager implements AutoCloseable {
    private final Bridge bridge;

    /**
     * Opens a manager. A null argument is taken from the environment, as in {@link AgentIdPClient}.
     *
     * @param baseUrl where the service is, such as {@code https://idp.example.com}
     * @param clientId the agent's id
     * @param clientSecret the agent's secret
     * @param scope space-separated scopes
     * @throws ConfigurationException when something is missing or not valid
     */
    public TokenManager(String baseUrl, String clientId, String clientSecret, String scope) {
        this(AgentIdPClient.builder()
                .baseUrl(baseUrl)
                .clientId(clientId)
                .clientSecret(clientSecret)
                .scopes(scope == null || scope.isBlank() ? null : scope.trim().split("\\s+"))
                .open());
    }

    TokenManager(Bridge bridge) {
        this.bridge = bridge;
    }

    /**
     * A token that lives; at once when one is cached.
     *
     * @return the token
     * @throws AgentIdPException when there is none and none can be had
     * @throws java.util.concurrent.CancellationException when the thread is interrupted while it waits
     */
    public String getToken() {
        return bridge.token();
    }

    /**
     * As {@link #getToken} without waiting.
     *
     * @return the token to come
     */
    public CompletableFuture<String> getTokenAsync() {
        return bridge.tokenAsync();
    }

    /** Forgets the token, for all that share it: the next call gets a new one. */
    public void clearTokenCache() {
        bridge.clearTokenCache();
    }

    /** Which client's tokens it manages; no token is shown. */
    @Override
    public String toString() {
        return "TokenManager" + bridge.describe();
    }

    /** Ends the manager; later calls fail with {@link ConfigurationException}. */
    @Override
    public void close() {
        bridge.close();
    }
}

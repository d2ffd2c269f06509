package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Bridge;
import java.util.Map;

/**
 * The client of AgentIdP. Safe for all threads; make one and keep it.
 *
 * <pre>{@code
 * try (AgentIdPClient client = new AgentIdPClient()) {
 *     Agent agent = client.agents().getAgent(agentId);
 * }
 * }</pre>
 *
 * <p>Tokens are fetched, cached and renewed by the client. Calls are repeated on failures that may pass, inside their
 * deadline. Cancelling the future of an {@code …Async} call, or any future that depends on it, stops the request on the
 * wire, as does interrupting a thread that waits. Nothing here keeps a process alive that wants to end.
 *
 * <p>Settings that are not given come from the environment: {@code AGENTIDP_BASE_URL}, {@code AGENTIDP_CLIENT_ID},
 * {@code AGENTIDP_CLIENT_SECRET}, {@code AGENTIDP_SCOPES}, {@code AGENTIDP_CA_BUNDLE}.
 */
public final class AgentIdPClient extends AgentIdPServices implements AutoCloseable {
    private final Bridge bridge;

    /**
     * Opens a client with the settings of the environment.
     *
     * @throws ConfigurationException when something is missing or not valid
     */
    public AgentIdPClient() {
        this(builder().open());
    }

    /**
     * Opens a client.
     *
     * @param baseUrl where the service is, such as {@code https://idp.example.com}
     * @param clientId the agent's id
     * @param clientSecret the agent's secret
     * @throws ConfigurationException when something is missing or not valid
     */
    public AgentIdPClient(String baseUrl, String clientId, String clientSecret) {
        this(builder().baseUrl(baseUrl).clientId(clientId).clientSecret(clientSecret).open());
    }

    AgentIdPClient(Bridge bridge) {
        super(bridge);
        this.bridge = bridge;
    }

    /**
     * A builder without settings.
     *
     * @return the builder
     */
    public static AgentIdPClientBuilder builder() {
        return new AgentIdPClientBuilder();
    }

    /**
     * The client's tokens, for calls of one's own. Closing the manager closes the client.
     *
     * @return a manager that shares this client's tokens
     */
    public TokenManager tokenManager() {
        return new TokenManager(bridge);
    }

    /** Forgets the token, for all that share it: the next call gets a new one. */
    public void clearTokenCache() {
        bridge.clearTokenCache();
    }

    /**
     * Where each setting came from; secrets are masked.
     *
     * @return JSON values by the setting's name
     */
    public Map<String, Object> explainConfiguration() {
        return bridge.explainConfiguration();
    }

    /** Which client it is; secrets are not shown. */
    @Override
    public String toString() {
        return "AgentIdPClient" + bridge.describe();
    }

    Bridge bridge() {
        return bridge;
    }

    /** Ends the client; later calls fail with {@link ConfigurationException}. */
    @Override
    public void close() {
        bridge.close();
    }
}

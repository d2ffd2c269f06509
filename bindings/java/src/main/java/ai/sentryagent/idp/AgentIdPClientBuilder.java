package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Bridge;
import ai.sentryagent.idp.internal.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;

/** Builds an {@link AgentIdPClient}. What is left out, or null, comes from the environment or has the default named here. */
public final class AgentIdPClientBuilder {
    private final Settings settings = new Settings();
    private Executor executor;

    AgentIdPClientBuilder() {}

    /**
     * Where the service is. {@code AGENTIDP_BASE_URL} when left out.
     *
     * @param value {@code https}, or {@code http} to this machine
     * @return this builder
     */
    public AgentIdPClientBuilder baseUrl(String value) {
        settings.put("baseUrl", value);
        return this;
    }

    /**
     * The agent's id. {@code AGENTIDP_CLIENT_ID} when left out.
     *
     * @param value the id
     * @return this builder
     */
    public AgentIdPClientBuilder clientId(String value) {
        settings.put("clientId", value);
        return this;
    }

    /**
     * The agent's secret. {@code AGENTIDP_CLIENT_SECRET} when left out.
     *
     * @param value the secret
     * @return this builder
     */
    public AgentIdPClientBuilder clientSecret(String value) {
        settings.put("clientSecret", value);
        return this;
    }

    /**
     * What the client's tokens may be used for. {@code AGENTIDP_SCOPES} when left out, else {@code agents:read agents:write
     * tokens:read audit:read}.
     *
     * @param values the scopes
     * @return this builder
     */
    public AgentIdPClientBuilder scopes(String... values) {
        return scopes(values == null ? null : List.of(values));
    }

    /**
     * As {@link #scopes(String...)}.
     *
     * @param values the scopes
     * @return this builder
     */
    public AgentIdPClientBuilder scopes(List<String> values) {
        settings.put("scopes", values);
        return this;
    }

    /**
     * How long a call may take in all, tries and waits included; 30 seconds when left out.
     *
     * @param value more than zero, in whole milliseconds
     * @return this builder
     */
    public AgentIdPClientBuilder timeout(Duration value) {
        settings.put("timeoutMs", value == null ? null : value.toMillis());
        return this;
    }

    /**
     * How long connecting may take; 5 seconds when left out.
     *
     * @param value more than zero, in whole milliseconds
     * @return this builder
     */
    public AgentIdPClientBuilder connectTimeout(Duration value) {
        settings.put("connectTimeoutMs", value == null ? null : value.toMillis());
        return this;
    }

    /**
     * How often a call may be repeated after a failure that may pass; 2 when left out.
     *
     * @param value from 0
     * @return this builder
     */
    public AgentIdPClientBuilder retries(int value) {
        settings.put("retries", (long) value);
        return this;
    }

    /**
     * Adds a header to every call.
     *
     * @param name the header's name
     * @param value the header's value
     * @return this builder
     */
    public AgentIdPClientBuilder header(String name, String value) {
        settings.header(Objects.requireNonNull(name), Objects.requireNonNull(value));
        return this;
    }

    /**
     * Allows {@code http} to other machines: secrets then cross the network in the clear. False when left out.
     *
     * @param value true to allow it
     * @return this builder
     */
    public AgentIdPClientBuilder allowInsecureHttp(boolean value) {
        settings.put("allowInsecureHttp", value);
        return this;
    }

    /**
     * A file of certificates (PEM) to trust beside the system's. {@code AGENTIDP_CA_BUNDLE} when left out.
     *
     * @param value the file
     * @return this builder
     */
    public AgentIdPClientBuilder caBundle(Path value) {
        settings.put("caBundle", value == null ? null : value.toString());
        return this;
    }

    /**
     * Where the futures of {@code …Async} calls are completed, and so where code that depends on them runs. When left out: a
     * pool of daemon threads of the SDK's own, in which a dependant may wait for another call. A pool of a fixed size may
     * deadlock on such dependants.
     *
     * @param value the executor
     * @return this builder
     */
    public AgentIdPClientBuilder executor(Executor value) {
        executor = value;
        return this;
    }

    /**
     * Opens the client. Starts no thread and sends nothing.
     *
     * @return the client
     * @throws ConfigurationException when something is missing or not valid; it says what
     */
    public AgentIdPClient build() {
        return new AgentIdPClient(open());
    }

    Bridge open() {
        return Bridge.open(settings.encode(), executor);
    }
}

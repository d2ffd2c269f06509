package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.Bridge;
import ai.sentryagent.idp.internal.NativeClock;
import ai.sentryagent.idp.internal.Settings;
import ai.sentryagent.idp.testing.ManualClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Builds an {@link AgentIdPClient}. What is left out, or null, comes from the environment or has the default named here. */
public final class AgentIdPClientBuilder {
    private final Settings settings = new Settings();
    private Executor executor;
    private ManualClock clock;
    private Supplier<String> traceparent;

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
        return scopes(values == null ? null : Arrays.asList(values));
    }

    /**
     * As {@link #scopes(String...)}.
     *
     * @param values the scopes
     * @return this builder
     */
    public AgentIdPClientBuilder scopes(List<String> values) {
        settings.put("scopes", values == null ? null : Arguments.settings("scopes", values));
        return this;
    }

    /**
     * How long a call may take in all, tries and waits included; 30 seconds when left out.
     *
     * @param value more than zero and at most 24 hours; rounded up to whole milliseconds
     * @return this builder
     * @throws ConfigurationException when it is another
     */
    public AgentIdPClientBuilder timeout(Duration value) {
        settings.put("timeoutMs", Arguments.timeSetting("timeout", value));
        return this;
    }

    /**
     * How long connecting may take; 5 seconds when left out.
     *
     * @param value more than zero and at most 24 hours; rounded up to whole milliseconds
     * @return this builder
     * @throws ConfigurationException when it is another
     */
    public AgentIdPClientBuilder connectTimeout(Duration value) {
        settings.put("connectTimeoutMs", Arguments.timeSetting("connectTimeout", value));
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
     * @throws ConfigurationException when one of them is null
     */
    public AgentIdPClientBuilder header(String name, String value) {
        settings.header(Arguments.setting("headers: a name", name), Arguments.setting("headers." + name, value));
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
     * The client's certificate for mutual TLS; needs {@link #clientKey} beside it.
     *
     * @param value a PEM file: the certificate, then those that signed it
     * @return this builder
     */
    public AgentIdPClientBuilder clientCertificate(Path value) {
        settings.put("clientCertificate", value == null ? null : value.toString());
        return this;
    }

    /**
     * The key of {@link #clientCertificate}.
     *
     * @param value a PEM file: PKCS#8, PKCS#1 or SEC1, without a password
     * @return this builder
     */
    public AgentIdPClientBuilder clientKey(Path value) {
        settings.put("clientKey", value == null ? null : value.toString());
        return this;
    }

    /**
     * A proxy for all calls. It wins over {@code HTTPS_PROXY} and {@code HTTP_PROXY}; hosts of {@code NO_PROXY} are reached
     * without it. This machine (loopback, {@code localhost}) is reached directly, unless the proxy is on it too; that
     * holds for proxies of the environment as well.
     *
     * @param value a URL such as {@code http://user:password@proxy.example.com:3128}
     * @return this builder
     */
    public AgentIdPClientBuilder proxy(String value) {
        settings.put("proxy", value);
        return this;
    }

    /**
     * The clock of the client's tokens, waits and deadlines; the system's when left out. For tests.
     *
     * @param value a clock that stands still until it is moved
     * @return this builder
     */
    public AgentIdPClientBuilder clock(ManualClock value) {
        clock = value;
        return this;
    }

    /**
     * The caller's place in a trace, passed on as the header {@code traceparent} (W3C Trace Context). It is asked at each
     * call, on the caller's thread; a header of that name in {@link CallOptions} wins. When left out: OpenTelemetry's
     * current span, where {@code opentelemetry-api} is on the path.
     *
     * @param value gives such as {@code 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01}, or null outside a trace; what is none
     *     is left out
     * @return this builder
     */
    public AgentIdPClientBuilder traceparent(Supplier<String> value) {
        traceparent = value;
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

    /** For people. Secrets are masked. */
    @Override
    public String toString() {
        return "AgentIdPClientBuilder" + settings;
    }

    Bridge open() {
        return Bridge.open(settings, executor, NativeClock.of(clock), traceparent);
    }
}

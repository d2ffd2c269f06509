package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.NativeClock;
import ai.sentryagent.idp.internal.Settings;
import ai.sentryagent.idp.internal.VerifierBridge;
import ai.sentryagent.idp.testing.ManualClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;

/** Builds a {@link TokenVerifier}. The issuer and an audience are required. */
public final class TokenVerifierBuilder {
    private final Settings settings = new Settings();
    private Executor executor;
    private ManualClock clock;
    private AgentIdPClient client;

    TokenVerifierBuilder() {}

    /**
     * Who must have issued the tokens.
     *
     * @param value the claim {@code iss}, exactly: {@code https}, or {@code http} to this machine
     * @return this builder
     */
    public TokenVerifierBuilder issuer(String value) {
        settings.put("issuer", value);
        return this;
    }

    /**
     * Whom the tokens must be meant for: one of these is enough.
     *
     * @param values the names of this service in the claim {@code aud}
     * @return this builder
     */
    public TokenVerifierBuilder audience(String... values) {
        return audience(Arrays.asList(Arguments.setting("audience", values)));
    }

    /**
     * As {@link #audience(String...)}.
     *
     * @param values the names of this service in the claim {@code aud}
     * @return this builder
     */
    public TokenVerifierBuilder audience(List<String> values) {
        settings.put("audience", Arguments.settings("audience", Arguments.setting("audience", values)));
        return this;
    }

    /**
     * How far clocks may differ; one minute when left out.
     *
     * @param value from zero
     * @return this builder
     * @throws ConfigurationException when it is negative
     */
    public TokenVerifierBuilder leeway(Duration value) {
        if (value != null && value.isNegative()) {
            throw Arguments.misconfigured("leeway", "must not be negative");
        }
        settings.put("leewayMs", value == null ? null : Arguments.wholeMs(value));
        return this;
    }

    /**
     * Scopes that every token must have; none when left out.
     *
     * @param values the scopes
     * @return this builder
     */
    public TokenVerifierBuilder requiredScopes(String... values) {
        return requiredScopes(Arrays.asList(Arguments.setting("requiredScopes", values)));
    }

    /**
     * As {@link #requiredScopes(String...)}.
     *
     * @param values the scopes
     * @return this builder
     */
    public TokenVerifierBuilder requiredScopes(List<String> values) {
        settings.put("requiredScopes", Arguments.settings("requiredScopes", Arguments.setting("requiredScopes", values)));
        return this;
    }

    /**
     * Where the issuer's keys are; what its discovery document says when left out.
     *
     * @param value the URL of a JSON Web Key Set
     * @return this builder
     */
    public TokenVerifierBuilder jwksUri(String value) {
        settings.put("jwksUri", value);
        return this;
    }

    /**
     * How long fetching the keys may take in all; 10 seconds when left out.
     *
     * @param value more than zero and at most 24 hours; rounded up to whole milliseconds
     * @return this builder
     * @throws ConfigurationException when it is another
     */
    public TokenVerifierBuilder timeout(Duration value) {
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
    public TokenVerifierBuilder connectTimeout(Duration value) {
        settings.put("connectTimeoutMs", Arguments.timeSetting("connectTimeout", value));
        return this;
    }

    /**
     * Allows keys over {@code http} from other machines: whoever can change them on the way can forge tokens. False when
     * left out.
     *
     * @param value true to allow it
     * @return this builder
     */
    public TokenVerifierBuilder allowInsecureHttp(boolean value) {
        settings.put("allowInsecureHttp", value);
        return this;
    }

    /**
     * A file of certificates (PEM) to trust beside the system's. {@code AGENTIDP_CA_BUNDLE} when left out.
     *
     * @param value the file
     * @return this builder
     */
    public TokenVerifierBuilder caBundle(Path value) {
        settings.put("caBundle", value == null ? null : value.toString());
        return this;
    }

    /**
     * The certificate for mutual TLS; needs {@link #clientKey} beside it.
     *
     * @param value a PEM file
     * @return this builder
     */
    public TokenVerifierBuilder clientCertificate(Path value) {
        settings.put("clientCertificate", value == null ? null : value.toString());
        return this;
    }

    /**
     * The key of {@link #clientCertificate}.
     *
     * @param value a PEM file without a password
     * @return this builder
     */
    public TokenVerifierBuilder clientKey(Path value) {
        settings.put("clientKey", value == null ? null : value.toString());
        return this;
    }

    /**
     * A proxy for fetching the keys, as {@link AgentIdPClientBuilder#proxy}.
     *
     * @param value a URL
     * @return this builder
     */
    public TokenVerifierBuilder proxy(String value) {
        settings.put("proxy", value);
        return this;
    }

    /**
     * Asks the service about each token that holds, so that a revoked one is refused at once. Costs a call for each token;
     * nobody is asked when left out.
     *
     * @param value a client with the scope {@code tokens:read}; it stays the caller's to close
     * @return this builder
     */
    public TokenVerifierBuilder client(AgentIdPClient value) {
        client = value;
        return this;
    }

    /**
     * The clock by which tokens live; the system's when left out. For tests.
     *
     * @param value a clock that stands still until it is moved
     * @return this builder
     */
    public TokenVerifierBuilder clock(ManualClock value) {
        clock = value;
        return this;
    }

    /**
     * Where the futures of {@link TokenVerifier#verifyAsync} are completed, as {@link AgentIdPClientBuilder#executor}.
     *
     * @param value the executor
     * @return this builder
     */
    public TokenVerifierBuilder executor(Executor value) {
        executor = value;
        return this;
    }

    /**
     * Opens the verifier. Starts no thread and fetches nothing.
     *
     * @return the verifier
     * @throws ConfigurationException when something is missing or not valid; it says what
     */
    public TokenVerifier build() {
        return new TokenVerifier(
                VerifierBridge.open(
                        settings,
                        executor,
                        NativeClock.of(clock),
                        client == null ? null : client.bridge(),
                        VerifiedToken::new),
                settings.toString());
    }

    /** For people. Secrets are masked. */
    @Override
    public String toString() {
        return "TokenVerifierBuilder" + settings;
    }
}

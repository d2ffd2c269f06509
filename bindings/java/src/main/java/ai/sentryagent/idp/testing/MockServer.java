package ai.sentryagent.idp.testing;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.AgentIdPClientBuilder;
import ai.sentryagent.idp.internal.Arguments;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The service on this machine, for tests: the real server on an empty store, without rate limits, with a clock that a test
 * moves and faults that a test orders.
 *
 * <pre>{@code
 * try (MockServer server = MockServer.start()) {
 *     AgentIdPClient client = server.client();
 *     server.failNext(Fault.status(503));
 *     server.clock().advance(Duration.ofHours(2));
 * }
 * }</pre>
 *
 * <p>It runs the program {@code agentidp}: of the path given, else of the environment variable {@code AGENTIDP_BIN}, else
 * found on {@code PATH}. It ends with this object, and with this process.
 *
 * <p>Clients of {@link #client} live by {@link #clock}: their backoff takes no time, but a wait that the server asked for
 * ({@code Retry-After}) and a deadline end only when the clock is moved.
 */
public final class MockServer implements AutoCloseable {
    private final MockProcess process;
    private final Clock clock;
    private final ConcurrentLinkedQueue<AgentIdPClient> clients = new ConcurrentLinkedQueue<>();

    private MockServer(MockProcess process) {
        this.process = process;
        this.clock = new Clock(process);
    }

    /**
     * Starts a server.
     *
     * @return a server that answers
     * @throws IllegalStateException when there is no {@code agentidp} or it does not start; it says how to get it
     */
    public static MockServer start() {
        return start(null);
    }

    /**
     * Starts a server.
     *
     * @param binary the program {@code agentidp}; null to look for it
     * @return a server that answers
     * @throws IllegalStateException when it does not start
     */
    public static MockServer start(Path binary) {
        return new MockServer(MockProcess.start(binary));
    }

    /**
     * Where it is.
     *
     * @return the base URL
     */
    public String getBaseUrl() {
        return process.fact("baseUrl");
    }

    /**
     * An agent that may do everything.
     *
     * @return its client id
     */
    public String getClientId() {
        return process.fact("clientId");
    }

    /**
     * The secret of {@link #getClientId}.
     *
     * @return the secret
     */
    public String getClientSecret() {
        return process.fact("clientSecret");
    }

    /**
     * The one organization that exists.
     *
     * @return its id
     */
    public String getOrganizationId() {
        return process.fact("organizationId");
    }

    /**
     * A client of this server that lives by its clock. It is closed with the server.
     *
     * @return a new client
     */
    public AgentIdPClient client() {
        AgentIdPClient client = builder().build();
        clients.add(client);
        return client;
    }

    /**
     * A builder of clients of this server that live by its clock.
     *
     * @return the builder
     */
    public AgentIdPClientBuilder builder() {
        return AgentIdPClient.builder()
                .baseUrl(getBaseUrl())
                .clientId(getClientId())
                .clientSecret(getClientSecret())
                .clock(clock.sdk);
    }

    /**
     * The clock of the server and of its clients.
     *
     * @return the clock
     */
    public Clock clock() {
        return clock;
    }

    /**
     * Orders a fault: the next requests that it fits get it instead of their answer.
     *
     * @param fault what is to go wrong
     * @throws ai.sentryagent.idp.ValidationException when it is null, or nothing that the server can do
     */
    public void failNext(Fault fault) {
        process.post("/mock/faults", Arguments.given("fault", fault).json());
    }

    /**
     * What the server was asked since it started or was reset.
     *
     * @return the requests, in the order of their arrival
     */
    public List<Request> requests() {
        List<Request> out = new ArrayList<>();
        if (process.get("/mock/requests").get("requests") instanceof List<?> requests) {
            for (Object request : requests) {
                if (request instanceof Map<?, ?> map) {
                    out.add(Request.of(map));
                }
            }
        }
        return List.copyOf(out);
    }

    /** Forgets the faults that are ordered and the requests that were seen. */
    public void reset() {
        process.post("/mock/reset", "{}");
    }

    /** Ends the server and closes the clients that it made. */
    @Override
    public void close() {
        for (AgentIdPClient client = clients.poll(); client != null; client = clients.poll()) {
            client.close();
        }
        process.close();
    }

    /** Where it is; the secret is not shown. */
    @Override
    public String toString() {
        return "MockServer{baseUrl=" + getBaseUrl() + '}';
    }

    /** The clock of the server and of its clients; it stands still until it is moved. */
    public static final class Clock {
        private final MockProcess process;
        private final ManualClock sdk = new ManualClock();

        private Clock(MockProcess process) {
            this.process = process;
        }

        /**
         * Time passes, at the server and in its clients.
         *
         * @param time how much
         * @throws ai.sentryagent.idp.ValidationException when it is null or negative, or too much for a clock
         */
        public void advance(Duration time) {
            process.post("/mock/clock", "{\"advanceMs\":" + (long) Arguments.span("time", time) + "}");
            sdk.advance(time);
        }

        /**
         * The clock of the clients alone, for what the server must not notice.
         *
         * @return the clock
         */
        public ManualClock sdk() {
            return sdk;
        }
    }

    /**
     * A request that the server saw.
     *
     * @param method {@code GET}, {@code POST}, …
     * @param path with the query
     * @param headers by name in lower case; secrets are masked
     * @param body as text; secrets are masked
     */
    public record Request(String method, String path, Map<String, String> headers, String body) {
        private static Request of(Map<?, ?> json) {
            Map<String, String> headers = new LinkedHashMap<>();
            if (json.get("headers") instanceof Map<?, ?> map) {
                map.forEach((name, value) -> headers.put(String.valueOf(name), String.valueOf(value)));
            }
            return new Request(
                    String.valueOf(json.get("method")),
                    String.valueOf(json.get("path")),
                    Map.copyOf(headers),
                    json.get("body") == null ? "" : String.valueOf(json.get("body")));
        }
    }

    static UncheckedIOException unreachable(IOException cause) {
        return new UncheckedIOException("the mock server does not answer", cause);
    }
}

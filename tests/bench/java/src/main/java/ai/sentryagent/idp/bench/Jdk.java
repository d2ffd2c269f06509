package ai.sentryagent.idp.bench;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The peer: {@code java.net.http} and Jackson, as an application would write it. */
final class Jdk implements Contestant {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();
    private static final ObjectReader AGENT = MAPPER.readerFor(Agent.class);
    private static final ObjectReader PAGE = MAPPER.readerFor(Page.class);

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String baseUrl;
    private final String token;

    Jdk(String baseUrl) {
        this.baseUrl = baseUrl;
        HttpRequest request = HttpRequest.newBuilder(URI.create(baseUrl + "/api/v1/token"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials"))
                .build();
        try {
            token = MAPPER.readTree(body(send(request))).get("access_token").textValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An agent's status. */
    enum Status {
        active,
        suspended,
        decommissioned
    }

    /** What an agent is kind of. */
    enum Type {
        screener,
        classifier,
        orchestrator,
        extractor,
        summarizer,
        router,
        monitor,
        custom
    }

    /** Where an agent runs. */
    enum Env {
        development,
        staging,
        production
    }

    /** An agent. */
    record Agent(
            String agentId,
            String organizationId,
            String role,
            String email,
            Type agentType,
            String version,
            List<String> capabilities,
            String owner,
            Env deploymentEnv,
            Status status,
            boolean isPublic,
            String did,
            Instant didCreatedAt,
            Instant createdAt,
            Instant updatedAt) {}

    /** A page of agents. */
    record Page(List<Agent> data, long total, long page, long limit) {}

    @Override
    public void get(String id) {
        look(Jdk.<Agent>decode(AGENT, send(agent(id))));
    }

    @Override
    public void list() {
        look(Jdk.<Page>decode(PAGE, send(page())));
    }

    @Override
    public CompletableFuture<Void> getAsync(String id) {
        return client.sendAsync(agent(id), HttpResponse.BodyHandlers.ofByteArray())
                .thenAccept(response -> look(Jdk.<Agent>decode(AGENT, response)));
    }

    @Override
    public CompletableFuture<Void> listAsync() {
        return client.sendAsync(page(), HttpResponse.BodyHandlers.ofByteArray())
                .thenAccept(response -> look(Jdk.<Page>decode(PAGE, response)));
    }

    private HttpRequest agent(String id) {
        return request("/api/v1/agents/" + id);
    }

    private HttpRequest page() {
        return request("/api/v1/agents?limit=" + Look.PAGE);
    }

    private HttpRequest request(String path) {
        return HttpRequest.newBuilder(URI.create(baseUrl + path)).header("Authorization", "Bearer " + token).build();
    }

    private HttpResponse<byte[]> send(HttpRequest request) {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] body(HttpResponse<byte[]> response) {
        if (response.statusCode() != 200) {
            throw new IllegalStateException("status " + response.statusCode());
        }
        return response.body();
    }

    private static <T> T decode(ObjectReader reader, HttpResponse<byte[]> response) {
        try {
            return reader.readValue(body(response));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void look(Agent agent) {
        Look.at(agent.email(), agent.status() == Status.active, agent.createdAt());
    }

    private static void look(Page page) {
        Look.at(page.data().size());
        page.data().forEach(Jdk::look);
    }
}

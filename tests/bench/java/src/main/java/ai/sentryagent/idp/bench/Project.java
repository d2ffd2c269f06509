package ai.sentryagent.idp.bench;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.models.Agent;
import ai.sentryagent.idp.models.AgentStatus;
import ai.sentryagent.idp.models.ListAgentsParams;
import ai.sentryagent.idp.models.PaginatedAgents;
import java.util.concurrent.CompletableFuture;

/** The project's own client. */
final class Project implements Contestant {
    private static final ListAgentsParams PAGE = ListAgentsParams.builder().limit(Look.PAGE).build();

    private final AgentIdPClient client;

    Project(String baseUrl) {
        client = new AgentIdPClient(baseUrl, "bench", "sk_live_bench");
    }

    @Override
    public void get(String id) {
        look(client.agents().getAgent(id));
    }

    @Override
    public void list() {
        look(client.agents().listAgents(PAGE));
    }

    @Override
    public CompletableFuture<Void> getAsync(String id) {
        return client.agents().getAgentAsync(id).thenAccept(Project::look);
    }

    @Override
    public CompletableFuture<Void> listAsync() {
        return client.agents().listAgentsAsync(PAGE).thenAccept(Project::look);
    }

    private static void look(Agent agent) {
        Look.at(agent.getEmail(), agent.getStatus() == AgentStatus.ACTIVE, agent.getCreatedAt());
    }

    private static void look(PaginatedAgents page) {
        Look.at(page.getData().size());
        page.getData().forEach(Project::look);
    }
}

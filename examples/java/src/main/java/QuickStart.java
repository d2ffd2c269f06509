import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.NotFoundException;
import ai.sentryagent.idp.models.*;
import java.util.List;
import java.util.UUID;

/** Needs AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET in the environment. */
public final class QuickStart {
    public static void main(String[] args) {
        try (AgentIdPClient client = new AgentIdPClient()) {
            Agent agent = client.agents().registerAgent(RegisterAgentRequest.builder()
                    .email("screener-" + UUID.randomUUID() + "@example.com").agentType(AgentType.SCREENER).version("1.4.0")
                    .capabilities(List.of("resume:read")).owner("talent").deploymentEnv(DeploymentEnv.DEVELOPMENT).build());
            say("register", agent.getEmail() + " is " + agent.getStatus());

            PaginatedAgents page = client.agents().listAgents(ListAgentsParams.builder().status("active").limit(20).build());
            say("list", page.getTotal() + " active agents");

            CredentialWithSecret credential = client.credentials().generateCredential(agent.getAgentId());
            say("credential", credential.getCredentialId() + " is " + credential.getStatus());

            String secret = credential.getClientSecret();
            String baseUrl = System.getenv("AGENTIDP_BASE_URL");
            try (AgentIdPClient own = new AgentIdPClient(baseUrl, agent.getAgentId(), secret)) {
                String token = own.tokenManager().getToken();
                say("token", "the agent reads itself as " + own.agents().getAgent(agent.getAgentId()).getOwner());
                say("introspect", "active is " + client.tokens().introspectToken(token).isActive());
            }
            client.credentials().rotateCredential(agent.getAgentId(), credential.getCredentialId());
            say("rotate", "the old secret is void");
            try {
                client.agents().getAgent(UUID.randomUUID().toString());
            } catch (NotFoundException e) {
                say("not-found", e.getCode());
            }
            long events = client.audit()
                    .queryAuditLogAll(QueryAuditLogParams.builder().agentId(agent.getAgentId()).build()).stream().count();
            say("audit", events + " events");
            client.agents().decommissionAgent(agent.getAgentId());
            say("decommission", client.agents().getAgent(agent.getAgentId()).getStatus().value());
        }
    }

    private static void say(String step, String what) {
        System.out.println(step + ": " + what);
    }
}

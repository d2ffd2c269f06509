import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.models.Agent;
import ai.sentryagent.idp.models.TokenResponse;

/** Needs AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET in the environment. */
public final class QuickStart {
    public static void main(String[] args) {
        try (AgentIdPClient client = new AgentIdPClient()) {
            TokenResponse token = client.tokens().issueToken();
            System.out.println("token: a " + token.getTokenType() + " token for " + token.getExpiresIn() + " seconds");

            Agent agent = client.agents().getAgent(System.getenv("AGENTIDP_CLIENT_ID"));
            System.out.println("agent: " + agent.getEmail() + " is " + agent.getStatus());
        }
    }
}

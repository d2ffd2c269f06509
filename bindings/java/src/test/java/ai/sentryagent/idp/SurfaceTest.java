package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.sentryagent.idp.models.Agent;
import ai.sentryagent.idp.models.ListAgentsParams;
import ai.sentryagent.idp.models.RegisterAgentRequest;
import ai.sentryagent.idp.models.UpdateAgentRequest;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The shapes that users write: the documented snippets, lists, bodies that may be left out. */
class SurfaceTest {
    private static final String LIST = "/api/v1/agents";

    @Test
    void theDocumentedSnippetsRun() throws Exception {
        try (Wire wire = new Wire()) {
            String id = "a1";
            wire.answer(LIST, 201, Wire.agent(id));
            wire.answer(Wire.AGENT + id, 200, Wire.agent(id));
            wire.answer(Wire.AGENT + id + "/credentials", 201, credential());
            wire.answer(LIST + "?status=active&page=1&limit=20", 200, page(1, 20, 1, "a1"));

            AgentIdPClient client = new AgentIdPClient(wire.url(), "me", "secret");
            Agent a = client.agents().registerAgent(RegisterAgentRequest.builder().email("a@example.com").capabilities(List.of("a:b")).build());
            assertEquals("a1", a.getAgentId());
            assertEquals("sk_live_x", client.agents().getAgentAsync(id).thenCompose(x -> client.credentials().generateCredentialAsync(x.getAgentId())).get(30, TimeUnit.SECONDS).getClientSecret());
            assertEquals(1, client.agents().listAgents(ListAgentsParams.builder().status("active").page(1).limit(20).build()).getTotal());
            client.close();
        }
    }

    @Test
    void aListGoesOnThroughItsPagesAndFetchesNoneTooMany() throws Exception {
        try (Wire wire = new Wire(); AgentIdPClient client = wire.client().build()) {
            wire.answer(LIST + "?limit=2", 200, page(1, 2, 3, "a1", "a2"));
            ListAgentsParams two = ListAgentsParams.builder().limit(2).build();
            assertEquals(List.of("a1", "a2"), client.agents().listAgentsAll(two).stream().limit(2).map(Agent::getAgentId).toList());
            assertEquals(0, wire.count(LIST + "?page=2&limit=2"));

            wire.answer(LIST + "?page=2&limit=2", 500, "{\"code\":\"INTERNAL_SERVER_ERROR\",\"message\":\"no\"}");
            Iterator<Agent> agents = client.agents().listAgentsAll(two).iterator();
            agents.next();
            agents.next();
            assertThrows(ServerException.class, agents::hasNext);
            wire.answer(LIST + "?page=2&limit=2", 200, page(2, 2, 3, "a3"));
            assertEquals("a3", agents.next().getAgentId());
            assertFalse(agents.hasNext());
        }
    }

    @Test
    void nullAndAbsenceAreTwoThings() {
        assertEquals("{}", UpdateAgentRequest.builder().build().toJson());
        assertEquals("{\"owner\":\"x\"}", UpdateAgentRequest.builder().owner("x").build().toJson());
        assertEquals("{}", UpdateAgentRequest.builder().owner("x").owner(null).build().toJson());
    }

    private static String credential() {
        return """
                {"credentialId":"c1","clientId":"a1","status":"active","scopes":null,"createdAt":"2026-03-28T09:00:00.000Z",\
                "expiresAt":null,"revokedAt":null,"lastUsedAt":null,"clientSecret":"sk_live_x"}""";
    }

    private static String page(int page, int limit, int total, String... ids) {
        List<String> agents = List.of(ids).stream().map(Wire::agent).toList();
        return "{\"data\":" + agents + ",\"total\":" + total + ",\"page\":" + page + ",\"limit\":" + limit + "}";
    }
}

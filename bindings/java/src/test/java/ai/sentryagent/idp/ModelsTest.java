package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.models.Agent;
import ai.sentryagent.idp.models.AgentStatus;
import ai.sentryagent.idp.models.TokenResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a generated model promises, on models of the contract. */
class ModelsTest {
    @Test
    void jsonGoesThereAndBack() {
        String json = Wire.agent("a1").replaceFirst("\\{", "{\"later\":[1,2.50,null,{\"x\":true}],");
        Agent agent = Agent.fromJson(json);
        assertEquals(agent, Agent.fromJson(agent.toJson()));
        assertEquals(agent.hashCode(), Agent.fromJson(agent.toJson()).hashCode());
        assertTrue(agent.toJson().contains("\"later\":[1,2.50,null,{\"x\":true}]"), agent.toJson());
        assertTrue(agent.toJson().contains("\"createdAt\":\"2026-03-28T09:00:00.000Z\""), agent.toJson());
        assertTrue(agent.toJson().contains("\"did\":null"), agent.toJson());
    }

    @Test
    void aModelNeverChanges() {
        List<String> capabilities = new ArrayList<>(List.of("a:b"));
        Agent agent = Agent.fromJson(Wire.agent("a1")).toBuilder().capabilities(capabilities).build();
        capabilities.add("c:d");
        assertEquals(List.of("a:b"), agent.getCapabilities());
        assertThrows(UnsupportedOperationException.class, () -> agent.getCapabilities().add("x"));
        Agent other = agent.toBuilder().status("suspended").build();
        assertNotEquals(agent, other);
        assertEquals(AgentStatus.SUSPENDED, other.getStatus());
        assertEquals(AgentStatus.ACTIVE, agent.getStatus());
    }

    @Test
    void enumsAreOpen() {
        assertSame(AgentStatus.ACTIVE, AgentStatus.of("active"));
        assertEquals(AgentStatus.of("x"), AgentStatus.of("x"));
        assertFalse(AgentStatus.of("x").isKnown());
        assertEquals("x", AgentStatus.of("x").toString());
    }

    @Test
    void secretsAndUnknownValuesAreMasked() {
        TokenResponse token = TokenResponse.fromJson(
                "{\"access_token\":\"hidden1\",\"token_type\":\"Bearer\",\"expires_in\":60,\"scope\":\"s\",\"later\":\"hidden2\"}");
        assertFalse(token.toString().contains("hidden"), token.toString());
        assertTrue(token.toString().contains("later"), token.toString());
        assertTrue(token.toJson().contains("hidden1"));
    }

    @Test
    void whatIsNotSuchAValueIsRefusedWithoutQuotingIt() {
        for (String json : List.of("{\"access_token\":\"hidden", "{\"access_token\":{\"hidden\":1}}", "[]", "", "{} {}")) {
            DecodingException error = assertThrows(DecodingException.class, () -> TokenResponse.fromJson(json), json);
            assertFalse(error.toString().contains("hidden"), error.toString());
        }
        ValidationException missing = assertThrows(ValidationException.class, () -> TokenResponse.builder().build());
        assertEquals("access_token", missing.getErrors().get(0).field());
    }
}

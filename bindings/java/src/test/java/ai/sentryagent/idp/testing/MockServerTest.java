package ai.sentryagent.idp.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.ApiConnectionException;
import ai.sentryagent.idp.AuditChain;
import ai.sentryagent.idp.CallOptions;
import ai.sentryagent.idp.RateLimitException;
import ai.sentryagent.idp.ServerException;
import ai.sentryagent.idp.ValidationException;
import ai.sentryagent.idp.models.AuditEvent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What users' tests stand on, against the real server. */
@ExtendWith(MockServerExtension.class)
class MockServerTest {
    private static final String AGENTS = "/api/v1/agents";

    @Test
    void aClientWorksAtOnce(MockServer server, AgentIdPClient client) {
        assertEquals(server.getClientId(), client.agents().getAgent(server.getClientId()).getAgentId());
        assertTrue(server.requests().stream().anyMatch(r -> r.path().startsWith(AGENTS) && r.method().equals("GET")));
        assertFalse(server.requests().toString().contains(server.getClientSecret()));
        assertFalse(server.toString().contains(server.getClientSecret()));
    }

    @Test
    void aFaultIsRetriedOrSeen(MockServer server, AgentIdPClient client) {
        server.failNext(Fault.status(503).times(2).path(AGENTS));
        client.agents().getAgent(server.getClientId());
        assertEquals(3, server.requests().stream().filter(r -> r.path().startsWith(AGENTS)).count());

        CallOptions once = CallOptions.builder().retries(0).build();
        server.failNext(Fault.status(503).path(AGENTS));
        ServerException error = assertThrows(ServerException.class, () -> client.agents().getAgent(server.getClientId(), once));
        assertEquals(503, error.getResponse().status());
        assertEquals(error.getRequestId(), error.getResponse().requestId());
        assertTrue(error.getResponse().headers().containsKey("Content-Type"));
        server.failNext(Fault.cut().path(AGENTS));
        ApiConnectionException cut = assertThrows(
                ApiConnectionException.class, () -> client.agents().getAgent(server.getClientId(), once));
        assertEquals(null, cut.getResponse());
    }

    @Test
    void aWaitThatTheServerAsksForEndsByTheClock(MockServer server, AgentIdPClient client) throws Exception {
        server.failNext(Fault.code("RATE_LIMIT_EXCEEDED").retryAfter(Duration.ofSeconds(7)).path(AGENTS));
        CompletableFuture<?> call = client.agents().getAgentAsync(server.getClientId());
        Duration slept = server.clock().sdk().awaitSleep(Duration.ofSeconds(10), Duration.ofSeconds(30)).orElseThrow();
        assertEquals(Duration.ofSeconds(7), slept);
        server.clock().advance(slept);
        call.get(30, TimeUnit.SECONDS);

        server.failNext(Fault.code("RATE_LIMIT_EXCEEDED").retryAfter(Duration.ofSeconds(90)).path(AGENTS));
        RateLimitException error = assertThrows(RateLimitException.class, () -> client.agents().getAgent(server.getClientId()));
        assertEquals(Duration.ofSeconds(90), error.getRetryAfter());
    }

    @Test
    void aTokenIsRenewedWhenTimePasses(MockServer server, AgentIdPClient client) {
        String first = client.tokenManager().getToken();
        assertEquals(first, client.tokenManager().getToken());
        server.clock().advance(Duration.ofHours(2));
        assertNotEquals(first, client.tokenManager().getToken());
        client.agents().getAgent(server.getClientId());
    }

    @Test
    void auditEventsAreCheckedHere(MockServer server, AgentIdPClient client) {
        client.agents().getAgent(server.getClientId());
        List<AuditEvent> events = new ArrayList<>();
        client.audit().queryAuditLogAll().forEach(events::add);
        AuditChain.Verification good = AuditChain.verifyAuditEvents(events);
        assertTrue(good.verified(), good.toString());
        assertEquals(events.size(), good.checkedCount());

        AuditEvent changed = events.get(0).toBuilder().agentId("another").build();
        events.set(0, changed);
        AuditChain.Verification bad = AuditChain.verifyAuditEvents(events);
        assertFalse(bad.verified());
        assertEquals(changed.getEventId(), bad.brokenAtEventId());
    }

    @Test
    void whatTheServerCannotDoIsRefusedInItsWords(MockServer server) {
        for (Fault fault : List.of(Fault.status(99), Fault.status(600), Fault.cut().times(-1))) {
            ValidationException error = assertThrows(ValidationException.class, () -> server.failNext(fault));
            assertTrue(error.getMessage().contains(fault.toString().contains("count") ? "count" : "status"), error.getMessage());
        }
        assertThrows(ValidationException.class, () -> server.failNext(null));
        Duration tooMuch = Duration.ofDays(40_000);
        ValidationException error = assertThrows(ValidationException.class, () -> server.clock().advance(tooMuch));
        assertTrue(error.getMessage().contains("advanceMs"), error.getMessage());
        assertThrows(ValidationException.class, () -> server.clock().advance(Duration.ofMillis(-1)));
    }

    @Test
    void theProgramIsLookedForInOrder() {
        assertEquals(Path.of("/x/agentidp"), MockProcess.find("/x/agentidp", null));
        IllegalStateException error = assertThrows(IllegalStateException.class, () -> MockProcess.find(null, ""));
        assertTrue(error.getMessage().contains("AGENTIDP_BIN"), error.getMessage());
        assertThrows(IllegalStateException.class, () -> MockServer.start(Path.of("/nowhere/agentidp")));
        IllegalStateException other = assertThrows(IllegalStateException.class, () -> MockServer.start(Path.of("/bin/echo")));
        assertTrue(other.getMessage().contains("is not `agentidp`"), other.getMessage());
    }
}

package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.models.Agent;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Giving up on a call hangs up at the server. */
class CancellationTest {
    private static final String NEVER = Wire.AGENT + "never";

    private Wire wire;
    private AgentIdPClient client;

    @BeforeEach
    void open() throws IOException {
        wire = new Wire();
        client = wire.client().build();
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        wire.close();
    }

    @Test
    void cancellingTheFutureHangsUp() throws Exception {
        CompletableFuture<Agent> future = client.agents().getAgentAsync("never");
        wire.awaitArrival(NEVER);
        assertTrue(future.cancel(true));
        wire.awaitHangUp(NEVER);
        assertThrows(CancellationException.class, future::join);
    }

    @Test
    void aTimeoutOfTheFutureHangsUp() throws Exception {
        CompletableFuture<Agent> future = client.agents().getAgentAsync("never");
        wire.awaitArrival(NEVER);
        future.orTimeout(1, TimeUnit.MILLISECONDS);
        wire.awaitHangUp(NEVER);
        assertInstanceOf(TimeoutException.class, assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS)).getCause());
    }

    @Test
    void completingTheFutureByHandHangsUp() throws Exception {
        CompletableFuture<Agent> future = client.agents().getAgentAsync("never");
        wire.awaitArrival(NEVER);
        future.complete(null);
        wire.awaitHangUp(NEVER);
    }

    @Test
    void cancellingADependantHangsUp() throws Exception {
        CompletableFuture<String> future = client.agents().getAgentAsync("never").thenApply(Agent::getAgentId).thenApplyAsync(String::trim);
        wire.awaitArrival(NEVER);
        assertTrue(future.cancel(true));
        wire.awaitHangUp(NEVER);
    }

    @Test
    void cancellingAComposedFutureHangsUpTheSecondCall() throws Exception {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        CompletableFuture<Agent> future = client.agents().getAgentAsync("a1").thenCompose(first -> client.agents().getAgentAsync("never"));
        wire.awaitArrival(NEVER);
        assertTrue(future.cancel(true));
        wire.awaitHangUp(NEVER);
    }

    @Test
    void anInterruptHangsUpAndStays() throws Exception {
        CompletableFuture<Boolean> outcome = new CompletableFuture<>();
        Thread caller = new Thread(() -> {
            try {
                client.agents().getAgent("never");
                outcome.complete(false);
            } catch (CancellationException e) {
                outcome.complete(Thread.currentThread().isInterrupted());
            } catch (Throwable e) {
                outcome.completeExceptionally(e);
            }
        });
        caller.start();
        wire.awaitArrival(NEVER);
        caller.interrupt();
        assertEquals(true, outcome.get(30, TimeUnit.SECONDS));
        wire.awaitHangUp(NEVER);
    }

    @Test
    void theServerSeesItWithinAHundredMilliseconds() throws Exception {
        Map<String, Function<CompletableFuture<Agent>, Runnable>> ways = Map.of(
                "cancel", future -> () -> future.cancel(true),
                "orTimeout", future -> () -> future.orTimeout(0, TimeUnit.MILLISECONDS),
                "dependant", future -> {
                    CompletableFuture<String> dependant = future.thenApply(Agent::getAgentId);
                    return () -> dependant.cancel(true);
                });
        for (var way : ways.entrySet()) {
            report(way.getKey(), name -> {
                Runnable giveUp = way.getValue().apply(client.agents().getAgentAsync(name));
                return giveUp;
            });
        }
        report("interrupt", name -> {
            Thread caller = new Thread(() -> assertThrows(CancellationException.class, () -> client.agents().getAgent(name)));
            caller.start();
            return caller::interrupt;
        });
    }

    /** The median of nine, from giving up to the server's seeing it. */
    private void report(String way, Function<String, Runnable> start) throws InterruptedException {
        double[] ms = new double[9];
        for (int i = 0; i < ms.length; i++) {
            String name = way + i;
            Runnable giveUp = start.apply(name);
            wire.awaitArrival(Wire.AGENT + name);
            long since = System.nanoTime();
            giveUp.run();
            wire.awaitHangUp(Wire.AGENT + name);
            ms[i] = (wire.hungUpAt(Wire.AGENT + name) - since) / 1e6;
        }
        Arrays.sort(ms);
        System.out.printf(Locale.ROOT, "%s: the server saw it after %.2f ms (median), %.2f ms at most%n", way, ms[4], ms[8]);
        assertTrue(ms[4] < 100, way + " took " + ms[4] + " ms");
    }

    @Test
    void aCancelledCallerDoesNotTakeTheTokenFromOthers() throws Exception {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        CompletableFuture<Agent> first = client.agents().getAgentAsync("a1");
        CompletableFuture<Agent> second = client.agents().getAgentAsync("a1");
        first.cancel(true);
        assertEquals("a1", second.get(30, TimeUnit.SECONDS).getAgentId());
        assertEquals(1, wire.count(Wire.TOKEN));
    }

    @Test
    void aDependantMayWaitForAnotherCall() throws Exception {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        CompletableFuture<?>[] all = new CompletableFuture<?>[64];
        for (int i = 0; i < all.length; i++) {
            all[i] = client.agents().getAgentAsync("a1").thenApply(a -> client.agents().getAgentAsync("a1").join()).thenApply(a -> client.agents().getAgent("a1"));
        }
        CompletableFuture.allOf(all).get(60, TimeUnit.SECONDS);
    }

    /** More at a time than any pool of a usual size has threads: none may keep the others from their answers. */
    @Test
    void anyNumberOfDependantsMayWait() throws Exception {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        CompletableFuture<?>[] all = new CompletableFuture<?>[400];
        CountDownLatch waiting = new CountDownLatch(all.length);
        CompletableFuture<Void> gate = new CompletableFuture<>();
        for (int i = 0; i < all.length; i++) {
            all[i] = client.agents().getAgentAsync("a1").thenApply(a -> {
                waiting.countDown();
                gate.join();
                return client.agents().getAgentAsync("a1").join();
            });
        }
        try {
            assertTrue(waiting.await(30, TimeUnit.SECONDS), waiting.getCount() + " calls are without their answer");
        } finally {
            gate.complete(null);
        }
        CompletableFuture.allOf(all).get(60, TimeUnit.SECONDS);
    }

    @Test
    void callersCodeRunsOnTheExecutorGiven() throws Exception {
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
        try (AgentIdPClient own = wire.client().executor(task -> new Thread(task, "mine").start()).build()) {
            String name = own.agents().getAgentAsync("a1").thenApplyAsync(a -> Thread.currentThread().getName()).get(30, TimeUnit.SECONDS);
            assertEquals("mine", name);
        }
    }
}

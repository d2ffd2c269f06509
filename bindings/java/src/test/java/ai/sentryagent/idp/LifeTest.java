package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.sentryagent.idp.models.Agent;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Threads, class loaders, processes. */
class LifeTest {
    private static final int THREADS = 200;

    @Test
    void anExecutorThatThrowsHoldsUpNobody() throws Exception {
        Executor throwing = task -> {
            throw new IllegalStateException("no thread of mine");
        };
        try (Wire wire = new Wire();
                AgentIdPClient odd = wire.client().executor(throwing).build();
                AgentIdPClient other = wire.client().build()) {
            wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
            CompletableFuture<Agent> waiting = other.agents().getAgentAsync("late");
            wire.awaitArrival(Wire.AGENT + "late");
            assertEquals("a1", odd.agents().getAgentAsync("a1").get(30, TimeUnit.SECONDS).getAgentId());
            assertFalse(waiting.isDone());
            waiting.cancel(true);
        }
    }

    @Test
    void manyThreadsOnAColdClientFetchOneToken() throws Exception {
        try (Wire wire = new Wire(); AgentIdPClient client = wire.client().build()) {
            wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
            List<CompletableFuture<String>> all = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                CompletableFuture<String> one = new CompletableFuture<>();
                all.add(one);
                new Thread(() -> {
                            try {
                                one.complete(client.agents().getAgent("a1").getAgentId());
                            } catch (Throwable e) {
                                one.completeExceptionally(e);
                            }
                        })
                        .start();
            }
            for (CompletableFuture<String> one : all) {
                assertEquals("a1", one.get(60, TimeUnit.SECONDS));
            }
            assertEquals(1, wire.count(Wire.TOKEN));
            assertEquals(THREADS, wire.count(Wire.AGENT + "a1"));
        }
    }

    @Test
    void aProcessEndsWithCallsOut() throws Exception {
        try (Wire wire = new Wire()) {
            assertEquals(0, leave(Path.of(System.getProperty("ai.sentryagent.idp.native.dir")), wire));
            wire.awaitHangUp(Wire.AGENT + "never");
        }
    }

    /** Starts a call that is never answered, and returns from main when it is told to. */
    static final class Leaves {
        public static void main(String[] args) throws IOException {
            AgentIdPClient client = AgentIdPClient.builder().baseUrl(args[0]).clientId("me").clientSecret("s").build();
            client.agents().getAgentAsync("never");
            System.in.read();
        }
    }

    @Test
    void eachClassLoaderHasALibraryOfItsOwn() throws Exception {
        List<URL> path = new ArrayList<>();
        for (String entry : HostProcess.classPath().split(File.pathSeparator)) {
            path.add(Path.of(entry).toUri().toURL());
        }
        URL[] urls = path.toArray(URL[]::new);
        try (Wire wire = new Wire();
                URLClassLoader one = new URLClassLoader(urls, null);
                URLClassLoader two = new URLClassLoader(urls, null)) {
            wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
            Class<?> first = use(one, wire.url());
            Class<?> second = use(two, wire.url());
            assertNotSame(first, second);
        }
    }

    private static Class<?> use(ClassLoader loader, String url) throws ReflectiveOperationException {
        Class<?> type = loader.loadClass(AgentIdPClient.class.getName());
        Object client = type.getConstructor(String.class, String.class, String.class).newInstance(url, "me", "s");
        Object manager = type.getMethod("tokenManager").invoke(client);
        assertEquals("t", manager.getClass().getMethod("getToken").invoke(manager));
        type.getMethod("close").invoke(client);
        return type;
    }

    @Test
    void aDamagedLibraryIsReplaced(@TempDir Path folder) throws Exception {
        try (Wire wire = new Wire()) {
            assertEquals(0, leave(folder, wire));
            Path library;
            try (var files = Files.walk(folder)) {
                library = files.filter(f -> f.getFileName().toString().contains("agentidp_java")).findFirst().orElseThrow();
            }
            byte[] good = Files.readAllBytes(library);
            Files.write(library, new byte[] {1, 2, 3});
            assertEquals(0, leave(folder, wire));
            assertEquals(good.length, Files.size(library));
            try (var files = Files.list(library.getParent())) {
                assertFalse(files.anyMatch(f -> f.toString().endsWith(".tmp")));
            }
        }
    }

    /** Runs {@link Leaves} in a process of its own, and gives its exit code. */
    private static int leave(Path folder, Wire wire) throws IOException, InterruptedException {
        Process child = HostProcess.start(
                Path.of(System.getProperty("java.home")),
                List.of("-Dai.sentryagent.idp.native.dir=" + folder),
                Leaves.class,
                wire.url());
        wire.awaitArrival(Wire.AGENT + "never");
        child.getOutputStream().close();
        return HostProcess.end(child);
    }

    @Test
    void theModuleLoadsWithoutWhatIsOptional() throws Exception {
        try (Wire wire = new Wire()) {
            Process child = HostProcess.startOnModulePath(com.example.Application.class, wire.url());
            wire.awaitArrival(Wire.AGENT + "never");
            child.getOutputStream().close();
            assertEquals(0, HostProcess.end(child));
        }
    }

    @Test
    void openingStartsNoThread() throws Exception {
        Process child = HostProcess.start(Path.of(System.getProperty("java.home")), List.of(), Opens.class);
        assertEquals(0, HostProcess.end(child));
    }

    /** Opens everything, calls nothing, and exits with the number of threads that came. */
    static final class Opens {
        public static void main(String[] args) {
            Set<String> before = names();
            AgentIdPClient client = new AgentIdPClient("https://127.0.0.1", "me", "s");
            TokenVerifier verifier = TokenVerifier.builder().issuer("https://127.0.0.1").audience("a").build();
            client.tokenManager().clearTokenCache();
            Set<String> after = names();
            after.removeAll(before);
            after.forEach(System.err::println);
            verifier.close();
            client.close();
            System.exit(after.size());
        }

        private static Set<String> names() {
            Set<String> out = new HashSet<>();
            Thread.getAllStackTraces().keySet().forEach(thread -> out.add(thread.getName()));
            return out;
        }
    }

    @Test
    void virtualThreadsWaitWithoutHoldingTheirCarrier() throws Exception {
        Optional<Path> jdk = HostProcess.jdk(21);
        assumeTrue(jdk.isPresent(), "no JDK 21 or later beside this one: virtual threads are not tested");
        int threads = 200;
        try (Wire wire = new Wire()) {
            wire.answer(Wire.AGENT + "gate", 200, Wire.agent("gate"));
            // With one carrier, a thread that held it would wait for ever: the answer comes when all have asked.
            wire.gate(Wire.AGENT + "gate", threads);
            Process child = HostProcess.start(
                    jdk.get(),
                    List.of(
                            "-Djdk.virtualThreadScheduler.parallelism=1",
                            "-Djdk.virtualThreadScheduler.maxPoolSize=1",
                            "--enable-native-access=ALL-UNNAMED"),
                    VirtualThreads.class,
                    wire.url(),
                    String.valueOf(threads));
            assertEquals(0, HostProcess.end(child));
            assertEquals(1, wire.count(Wire.TOKEN));
        }
    }

    @Test
    void aForgottenClientClosesItsConnections() throws Exception {
        try (Wire wire = new Wire()) {
            wire.answer(Wire.AGENT + "a1", 200, Wire.agent("a1"));
            forget(wire);
            for (int i = 0; i < 300 && !wire.hasHungUp(Wire.AGENT + "a1", 100); i++) {
                System.gc();
                // Whoever opens something frees what was collected.
                wire.client().build().close();
            }
            assertTrue(wire.hasHungUp(Wire.AGENT + "a1", 0), "its connection is still open");
        }
    }

    private static void forget(Wire wire) {
        AgentIdPClient client = wire.client().build();
        assertEquals("a1", client.agents().getAgent("a1").getAgentId());
    }

    @Test
    void aCallThatIsOutSurvivesClosing() throws Exception {
        try (Wire wire = new Wire()) {
            wire.answer(Wire.AGENT + "gate", 200, Wire.agent("gate"));
            wire.gate(Wire.AGENT + "gate", 2);
            CompletableFuture<?> out;
            try (AgentIdPClient client = wire.client().build()) {
                out = client.agents().getAgentAsync("gate");
                wire.awaitArrival(Wire.AGENT + "gate");
            }
            try (AgentIdPClient other = wire.client().build()) {
                other.agents().getAgent("gate");
            }
            out.get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void aCachedTokenIsReadInline() throws Exception {
        try (Wire wire = new Wire(); TokenManager tokens = wire.client().build().tokenManager()) {
            int reads = 200_000;
            for (int i = 0; i < reads; i++) {
                tokens.getToken();
            }
            long since = System.nanoTime();
            for (int i = 0; i < reads; i++) {
                tokens.getToken();
            }
            System.out.printf(Locale.ROOT, "cached token: %.3f microseconds a read%n", (System.nanoTime() - since) / 1e3 / reads);
            assertEquals(1, wire.count(Wire.TOKEN));
            assertTrue(tokens.getTokenAsync().isDone());
        }
    }
}

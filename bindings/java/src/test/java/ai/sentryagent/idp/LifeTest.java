package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Threads, class loaders, processes. */
class LifeTest {
    private static final int THREADS = 200;

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
        for (String entry : classPath().split(File.pathSeparator)) {
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
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dai.sentryagent.idp.native.dir=" + folder,
                        "-cp",
                        classPath() + File.pathSeparator + System.getProperty("agentidp.test.classes"),
                        Leaves.class.getName(),
                        wire.url())
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        wire.awaitArrival(Wire.AGENT + "never");
        child.getOutputStream().close();
        boolean ended = child.waitFor(60, TimeUnit.SECONDS);
        child.destroyForcibly();
        assertTrue(ended, "the process is still there");
        return child.exitValue();
    }

    private static String classPath() {
        try {
            return System.getProperty("agentidp.main.classes") + File.pathSeparator
                    + Files.readString(Path.of(System.getProperty("agentidp.class.path"))).strip();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}

package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The conformance runner of the Java SDK: reads a command a line, uses the SDK as an application would, and answers a line.
 * It judges nothing. In mode {@code sync} each call has a thread of its own and is cancelled by an interrupt; in mode
 * {@code async} it has a future that is cancelled.
 */
public final class Runner {
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private final Clients clients = new Clients();
    private final Map<Object, Runnable> cancels = new ConcurrentHashMap<>();
    private final boolean async;

    private Runner(boolean async) {
        this.async = async;
    }

    /** {@code --mode sync|async}. */
    public static void main(String[] args) throws IOException {
        boolean async = List.of(args).contains("async");
        new Runner(async).run(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
    }

    private void run(BufferedReader in) throws IOException {
        Map<String, Object> ready = new LinkedHashMap<>();
        ready.put("language", "java");
        ready.put("mode", async ? "async" : "sync");
        ready.put("version", System.getProperty("java.version"));
        print(Map.of("ready", ready));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> command = Tree.parse(line);
            if ("exit".equals(command.get("do"))) {
                answer(command, null);
                return;
            }
            try {
                handle(command);
            } catch (RuntimeException e) {
                fail(command, e);
            }
        }
    }

    private void handle(Map<String, Object> command) {
        switch (String.valueOf(command.get("do"))) {
            case "client" -> {
                clients.open(command.get("client"), Tree.object(command.get("config")));
                answer(command, null);
            }
            case "clearTokenCache" -> {
                clients.get(command.get("client")).clearTokenCache();
                answer(command, null);
            }
            case "close" -> {
                clients.get(command.get("client")).close();
                answer(command, null);
            }
            case "cancel" -> {
                // The call may just have ended; then there is nothing to cancel.
                cancels.getOrDefault(command.get("call"), () -> {}).run();
                answer(command, null);
            }
            case "call" -> call(command);
            case "burst" -> thread("burst", () -> burst(command));
            case "pages" -> thread("pages", () -> pages(command));
            default -> throw new IllegalArgumentException("no such command: " + command.get("do"));
        }
    }

    private void call(Map<String, Object> command) {
        AgentIdPClient client = clients.get(command.get("client"));
        Entry entry = entry(command);
        Args args = new Args(command.get("args"));
        Object id = command.get("id");
        if (async) {
            CompletableFuture<String> future = entry.async().apply(client, args);
            cancels.put(id, () -> future.cancel(true));
            future.whenComplete((json, error) -> {
                cancels.remove(id);
                if (error == null) {
                    answer(command, raw(json));
                } else {
                    fail(command, error);
                }
            });
        } else {
            Thread caller = new Thread(() -> {
                try {
                    answer(command, raw(entry.sync().apply(client, args)));
                } catch (RuntimeException e) {
                    fail(command, e);
                } finally {
                    cancels.remove(id);
                }
            });
            cancels.put(id, caller::interrupt);
            caller.start();
        }
    }

    private void burst(Map<String, Object> command) {
        AgentIdPClient client = clients.get(command.get("client"));
        Entry entry = entry(command);
        Args args = new Args(command.get("args"));
        int count = ((Number) command.get("count")).intValue();
        List<CompletableFuture<String>> calls = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            if (async) {
                calls.add(entry.async().apply(client, args));
            } else {
                CompletableFuture<String> call = new CompletableFuture<>();
                calls.add(call);
                thread("burst-" + i, () -> {
                    try {
                        call.complete(entry.sync().apply(client, args));
                    } catch (RuntimeException e) {
                        call.completeExceptionally(e);
                    }
                });
            }
        }
        int succeeded = 0;
        Map<String, Object> errors = new TreeMap<>();
        for (CompletableFuture<String> call : calls) {
            try {
                call.join();
                succeeded++;
            } catch (RuntimeException e) {
                errors.merge(String.valueOf(Failure.of(e).get("code")), 1, (a, b) -> (Integer) a + (Integer) b);
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("succeeded", succeeded);
        result.put("failed", count - succeeded);
        result.put("errors", errors);
        answer(command, result);
    }

    private void pages(Map<String, Object> command) {
        try (Stream<String> items = entry(command)
                .pages()
                .apply(clients.get(command.get("client")), new Args(command.get("args")))) {
            long limit = ((Number) command.get("limit")).longValue();
            answer(command, items.limit(limit).map(Runner::raw).toList());
        } catch (RuntimeException e) {
            fail(command, e);
        }
    }

    private static Entry entry(Map<String, Object> command) {
        Entry entry = Dispatch.ENTRIES.get(String.valueOf(command.get("operation")));
        if (entry == null) {
            throw new IllegalArgumentException("no such operation: " + command.get("operation"));
        }
        return entry;
    }

    private static Object raw(String json) {
        return json == null ? null : new Tree.Raw(json);
    }

    private static void thread(String name, Runnable body) {
        new Thread(body, name).start();
    }

    private void answer(Map<String, Object> command, Object value) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("id", command.get("id"));
        line.put("ok", value);
        print(line);
    }

    private void fail(Map<String, Object> command, Throwable error) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("id", command.get("id"));
        line.put("error", Failure.of(error));
        print(line);
    }

    private void print(Map<String, Object> line) {
        String text = Tree.write(line);
        synchronized (out) {
            out.println(text);
            out.flush();
        }
    }
}

package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.ResponseInfo;
import ai.sentryagent.idp.TokenManager;
import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.VerifiedToken;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The commands that wait for the network, in both ways. */
final class Calls {
    private final Map<Object, Runnable> cancels = new ConcurrentHashMap<>();
    private final boolean async;
    private final Answers answers;

    Calls(boolean async, Answers answers) {
        this.async = async;
        this.answers = answers;
    }

    /** The call may just have ended; then there is nothing to cancel. */
    void cancel(Object id) {
        cancels.getOrDefault(id, () -> {}).run();
    }

    void call(Map<String, Object> command, AgentIdPClient client) {
        Entry entry = entry(command);
        Args args = new Args(command.get("args"));
        run(command, () -> entry.sync().apply(client, args), () -> entry.async().apply(client, args), Calls::json);
    }

    void raw(Map<String, Object> command, AgentIdPClient client) {
        Entry entry = entry(command);
        AtomicReference<ResponseInfo> seen = new AtomicReference<>();
        Args args = new Args(command.get("args")).seenBy(seen::set);
        run(command, () -> entry.sync().apply(client, args), () -> entry.async().apply(client, args), json -> {
            Map<String, Object> headers = new LinkedHashMap<>();
            seen.get().headers().forEach((name, values) ->
                    headers.put(name.toLowerCase(Locale.ROOT), String.join(", ", values)));
            Map<String, Object> out = new LinkedHashMap<>();
            out.put("status", seen.get().status());
            out.put("headers", headers);
            out.put("requestId", seen.get().requestId());
            out.put("value", json(json));
            return out;
        });
    }

    void token(Map<String, Object> command, AgentIdPClient client) {
        TokenManager tokens = client.tokenManager();
        run(command, tokens::getToken, tokens::getTokenAsync, token -> token);
    }

    void verify(Map<String, Object> command, TokenVerifier verifier) {
        String token = (String) command.get("token");
        List<String> scopes = command.get("requiredScopes") instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
        run(
                command,
                () -> verifier.verify(token, scopes),
                () -> verifier.verifyAsync(token, scopes),
                Calls::verified);
    }

    private <T> void run(
            Map<String, Object> command,
            Supplier<T> sync,
            Supplier<CompletableFuture<T>> future,
            Function<T, Object> shape) {
        Object id = command.get("id");
        if (async) {
            CompletableFuture<T> call = future.get();
            cancels.put(id, () -> call.cancel(true));
            call.whenComplete((value, error) -> {
                cancels.remove(id);
                if (error == null) {
                    answers.ok(command, shape.apply(value));
                } else {
                    answers.fail(command, error);
                }
            });
            return;
        }
        Thread caller = new Thread(() -> {
            try {
                answers.ok(command, shape.apply(sync.get()));
            } catch (RuntimeException e) {
                answers.fail(command, e);
            } finally {
                cancels.remove(id);
            }
        });
        cancels.put(id, caller::interrupt);
        caller.start();
    }

    void burst(Map<String, Object> command, AgentIdPClient client) {
        Entry entry = entry(command);
        Args args = new Args(command.get("args"));
        int count = ((Number) command.get("count")).intValue();
        int concurrency = command.get("concurrency") instanceof Number n ? n.intValue() : count;
        Tally tally = new Tally();
        try {
            if (async) {
                burstAsync(entry, client, args, count, concurrency, tally);
            } else {
                burstSync(entry, client, args, count, concurrency, tally);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        answers.ok(command, tally.result(count));
    }

    private static void burstAsync(
            Entry entry, AgentIdPClient client, Args args, int count, int concurrency, Tally tally)
            throws InterruptedException {
        Semaphore places = new Semaphore(concurrency);
        for (int i = 0; i < count; i++) {
            places.acquire();
            entry.async().apply(client, args).whenComplete((value, error) -> {
                tally.ended(error);
                places.release();
            });
        }
        places.acquire(concurrency);
    }

    private static void burstSync(
            Entry entry, AgentIdPClient client, Args args, int count, int concurrency, Tally tally)
            throws InterruptedException {
        AtomicInteger left = new AtomicInteger(count);
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < Math.min(concurrency, count); i++) {
            Thread worker = new Thread(() -> {
                while (left.getAndDecrement() > 0) {
                    try {
                        entry.sync().apply(client, args);
                        tally.ended(null);
                    } catch (RuntimeException e) {
                        tally.ended(e);
                    }
                }
            }, "burst-" + i);
            workers.add(worker);
            worker.start();
        }
        for (Thread worker : workers) {
            worker.join();
        }
    }

    void pages(Map<String, Object> command, AgentIdPClient client) {
        try (Stream<String> items = entry(command).pages().apply(client, new Args(command.get("args")))) {
            long limit = ((Number) command.get("limit")).longValue();
            answers.ok(command, items.limit(limit).map(Calls::json).toList());
        } catch (RuntimeException e) {
            answers.fail(command, e);
        }
    }

    private static Entry entry(Map<String, Object> command) {
        Entry entry = Dispatch.ENTRIES.get(String.valueOf(command.get("operation")));
        if (entry == null) {
            throw new IllegalArgumentException("no such operation: " + command.get("operation"));
        }
        return entry;
    }

    private static Object json(String json) {
        return json == null ? null : new Tree.Raw(json);
    }

    private static Object verified(VerifiedToken token) {
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("subject", token.getSubject());
        out.put("clientId", token.getClientId());
        out.put("organizationId", token.getOrganizationId());
        out.put("scopes", token.getScopes());
        out.put("tokenId", token.getTokenId());
        out.put("issuer", token.getIssuer());
        out.put("audience", token.getAudience());
        out.put("issuedAt", token.getIssuedAt() == null ? null : token.getIssuedAt().getEpochSecond());
        out.put("expiresAt", token.getExpiresAt() == null ? null : token.getExpiresAt().getEpochSecond());
        out.put("keyId", token.getKeyId());
        out.put("algorithm", token.getAlgorithm());
        out.put("claims", token.getClaims());
        return out;
    }

    /** How many calls of a burst ended how. */
    private static final class Tally {
        private final Map<String, Object> errors = new TreeMap<>();
        private int succeeded;

        synchronized void ended(Throwable error) {
            if (error == null) {
                succeeded++;
            } else {
                errors.merge(String.valueOf(Failure.of(error).get("code")), 1, (a, b) -> (Integer) a + (Integer) b);
            }
        }

        synchronized Map<String, Object> result(int count) {
            Map<String, Object> out = new LinkedHashMap<>();
            out.put("succeeded", succeeded);
            out.put("failed", count - succeeded);
            out.put("errors", errors);
            return out;
        }
    }
}

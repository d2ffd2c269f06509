package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.AuditChain;
import ai.sentryagent.idp.Webhooks;
import ai.sentryagent.idp.models.AuditEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The conformance runner of the Java SDK: reads a command a line, uses the SDK as an application would, and answers a line.
 * It judges nothing. In mode {@code sync} each call has a thread of its own and is cancelled by an interrupt; in mode
 * {@code async} it has a future that is cancelled.
 */
public final class Runner {
    private final Answers answers = new Answers();
    private final Subjects subjects = new Subjects();
    private final HostLog log = HostLog.install();
    private final Calls calls;
    private final boolean async;

    private Runner(boolean async) {
        this.async = async;
        this.calls = new Calls(async, answers);
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
        answers.print(Map.of("ready", ready));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> command = Tree.parse(line);
            if ("exit".equals(command.get("do"))) {
                answers.ok(command, null);
                return;
            }
            try {
                handle(command);
            } catch (RuntimeException e) {
                answers.fail(command, e);
            }
        }
    }

    private void handle(Map<String, Object> command) {
        switch (String.valueOf(command.get("do"))) {
            case "call" -> calls.call(command, client(command));
            case "raw" -> calls.raw(command, client(command));
            case "token" -> calls.token(command, client(command));
            case "verify" -> calls.verify(command, subjects.verifier(command.get("verifier")));
            case "burst" -> Answers.thread("burst", () -> calls.burst(command, client(command)));
            case "pages" -> Answers.thread("pages", () -> calls.pages(command, client(command)));
            case "cancel" -> {
                calls.cancel(command.get("call"));
                answers.ok(command, null);
            }
            case "sleeping" -> Answers.thread("sleeping", () -> sleeping(command));
            default -> answers.ok(command, answer(command));
        }
    }

    /** The commands that are answered at once. */
    private Object answer(Map<String, Object> command) {
        switch (String.valueOf(command.get("do"))) {
            case "client" -> subjects.open(command);
            case "verifier" -> subjects.openVerifier(command);
            case "clearTokenCache" -> client(command).clearTokenCache();
            case "close" -> client(command).close();
            case "clock" -> subjects.moveClock(command);
            case "explain" -> {
                return client(command).explainConfiguration();
            }
            case "webhook" -> {
                return webhook(command);
            }
            case "auditChain" -> {
                return auditChain(command);
            }
            case "show" -> {
                return answers.shown().all(command.get("client") == null ? null : client(command), subjects);
            }
            case "logs" -> {
                return log.records();
            }
            default -> throw new UnknownVerb(String.valueOf(command.get("do")));
        }
        return null;
    }

    private AgentIdPClient client(Map<String, Object> command) {
        return subjects.client(command.get("client"));
    }

    private void sleeping(Map<String, Object> command) {
        try {
            Duration slept = subjects.clock(command.get("clock"))
                    .awaitSleep(Subjects.ms(command.get("atMostMs")), Duration.ofSeconds(30))
                    .orElseThrow(() -> new IllegalStateException("nobody sleeps"));
            answers.ok(command, slept.toNanos() / 1e6);
        } catch (RuntimeException e) {
            answers.fail(command, e);
        }
    }

    private static Object webhook(Map<String, Object> command) {
        Map<String, String> headers = new LinkedHashMap<>();
        Tree.object(command.get("headers")).forEach((name, value) -> headers.put(name, String.valueOf(value)));
        byte[] payload = ((String) command.get("payload")).getBytes(StandardCharsets.UTF_8);
        Number now = (Number) command.get("nowMs");
        Number tolerance = (Number) command.get("toleranceMs");
        return Webhooks.verifyWebhook(
                payload,
                headers,
                List.of((String) command.get("secret")),
                tolerance == null ? null : Duration.ofMillis(tolerance.longValue()),
                now == null ? null : Instant.ofEpochMilli(now.longValue()));
    }

    private static Object auditChain(Map<String, Object> command) {
        List<AuditEvent> events = new ArrayList<>();
        for (Object event : (List<?>) command.get("events")) {
            events.add(AuditEvent.fromJson(Tree.write(event)));
        }
        AuditChain.Verification checked = AuditChain.verifyAuditEvents(events);
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("verified", checked.verified());
        out.put("checkedCount", checked.checkedCount());
        out.put("brokenAtEventId", checked.brokenAtEventId());
        return out;
    }

    /** A command of a newer protocol. */
    static final class UnknownVerb extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnknownVerb(String verb) {
            super("no such verb: " + verb);
        }
    }
}

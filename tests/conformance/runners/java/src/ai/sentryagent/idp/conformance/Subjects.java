package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.AgentIdPClientBuilder;
import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.TokenVerifierBuilder;
import ai.sentryagent.idp.testing.ManualClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What the cases opened, by name: clients, verifiers and clocks. */
final class Subjects {
    private final Map<String, AgentIdPClient> clients = new ConcurrentHashMap<>();
    private final Map<String, TokenVerifier> verifiers = new ConcurrentHashMap<>();
    private final Map<String, ManualClock> clocks = new ConcurrentHashMap<>();
    private final Collection<Object> builders = new ConcurrentLinkedQueue<>();

    AgentIdPClient client(Object name) {
        return known(clients, "client", name);
    }

    TokenVerifier verifier(Object name) {
        return known(verifiers, "verifier", name);
    }

    /** Made when it is first named. */
    ManualClock clock(Object name) {
        return name == null ? null : clocks.computeIfAbsent(String.valueOf(name), n -> new ManualClock());
    }

    Collection<TokenVerifier> verifiers() {
        return verifiers.values();
    }

    Collection<Object> builders() {
        return builders;
    }

    void open(Map<String, Object> command) {
        AgentIdPClientBuilder builder = AgentIdPClient.builder().clock(clock(command.get("clock")));
        if (command.get("traceparent") instanceof String traceparent) {
            builder.traceparent(() -> traceparent);
        }
        Tree.object(command.get("config")).forEach((key, value) -> apply(builder, key, value));
        builders.add(builder);
        clients.put(String.valueOf(command.get("client")), builder.build());
    }

    void openVerifier(Map<String, Object> command) {
        TokenVerifierBuilder builder = TokenVerifier.builder().clock(clock(command.get("clock")));
        if (command.get("client") != null) {
            builder.client(client(command.get("client")));
        }
        Tree.object(command.get("config")).forEach((key, value) -> apply(builder, key, value));
        builders.add(builder);
        verifiers.put(String.valueOf(command.get("verifier")), builder.build());
    }

    void moveClock(Map<String, Object> command) {
        ManualClock clock = clock(command.get("clock"));
        if (command.get("advanceMs") != null) {
            clock.advance(ms(command.get("advanceMs")));
        }
        if (command.get("jumpWallMs") != null) {
            clock.jumpWall(ms(command.get("jumpWallMs")));
        }
        if (command.get("random") instanceof Number random) {
            clock.setRandom(random.doubleValue());
        }
    }

    static Duration ms(Object number) {
        return Duration.ofNanos(Math.round(((Number) number).doubleValue() * 1e6));
    }

    private static void apply(AgentIdPClientBuilder builder, String key, Object value) {
        switch (key) {
            case "baseUrl" -> builder.baseUrl((String) value);
            case "clientId" -> builder.clientId((String) value);
            case "clientSecret" -> builder.clientSecret((String) value);
            case "scopes" -> builder.scopes(texts(value));
            case "timeoutMs" -> builder.timeout(ms(value));
            case "connectTimeoutMs" -> builder.connectTimeout(ms(value));
            case "retries" -> builder.retries(((Number) value).intValue());
            case "headers" -> Tree.object(value).forEach((name, text) -> builder.header(name, (String) text));
            case "allowInsecureHttp" -> builder.allowInsecureHttp((Boolean) value);
            case "caBundle" -> builder.caBundle(Path.of((String) value));
            case "clientCertificate" -> builder.clientCertificate(Path.of((String) value));
            case "clientKey" -> builder.clientKey(Path.of((String) value));
            case "proxy" -> builder.proxy((String) value);
            default -> throw new IllegalArgumentException("no such setting: " + key);
        }
    }

    private static void apply(TokenVerifierBuilder builder, String key, Object value) {
        switch (key) {
            case "issuer" -> builder.issuer((String) value);
            case "audience" -> builder.audience(texts(value));
            case "leewayMs" -> builder.leeway(ms(value));
            case "requiredScopes" -> builder.requiredScopes(texts(value));
            case "jwksUri" -> builder.jwksUri((String) value);
            case "timeoutMs" -> builder.timeout(ms(value));
            case "connectTimeoutMs" -> builder.connectTimeout(ms(value));
            case "allowInsecureHttp" -> builder.allowInsecureHttp((Boolean) value);
            case "caBundle" -> builder.caBundle(Path.of((String) value));
            case "clientCertificate" -> builder.clientCertificate(Path.of((String) value));
            case "clientKey" -> builder.clientKey(Path.of((String) value));
            case "proxy" -> builder.proxy((String) value);
            default -> throw new IllegalArgumentException("no such setting: " + key);
        }
    }

    /** A list, or one text. */
    private static List<String> texts(Object value) {
        return value instanceof List<?> list ? list.stream().map(String::valueOf).toList() : List.of((String) value);
    }

    private static <T> T known(Map<String, T> all, String what, Object name) {
        T value = all.get(String.valueOf(name));
        if (value == null) {
            throw new IllegalArgumentException("no such " + what + ": " + name);
        }
        return value;
    }
}

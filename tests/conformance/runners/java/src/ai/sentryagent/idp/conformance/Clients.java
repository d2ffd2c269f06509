package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.AgentIdPClientBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The clients that the cases opened, by name. */
final class Clients {
    private final Map<String, AgentIdPClient> clients = new ConcurrentHashMap<>();

    AgentIdPClient get(Object name) {
        AgentIdPClient client = clients.get(String.valueOf(name));
        if (client == null) {
            throw new IllegalArgumentException("no such client: " + name);
        }
        return client;
    }

    void open(Object name, Map<String, Object> config) {
        AgentIdPClientBuilder builder = AgentIdPClient.builder();
        config.forEach((key, value) -> apply(builder, key, value));
        clients.put(String.valueOf(name), builder.build());
    }

    private static void apply(AgentIdPClientBuilder builder, String key, Object value) {
        switch (key) {
            case "baseUrl" -> builder.baseUrl((String) value);
            case "clientId" -> builder.clientId((String) value);
            case "clientSecret" -> builder.clientSecret((String) value);
            case "scopes" -> builder.scopes(((List<?>) value).stream().map(String::valueOf).toList());
            case "timeoutMs" -> builder.timeout(Duration.ofMillis(((Number) value).longValue()));
            case "connectTimeoutMs" -> builder.connectTimeout(Duration.ofMillis(((Number) value).longValue()));
            case "retries" -> builder.retries(((Number) value).intValue());
            case "headers" -> Tree.object(value).forEach((name, text) -> builder.header(name, (String) text));
            case "allowInsecureHttp" -> builder.allowInsecureHttp((Boolean) value);
            case "caBundle" -> builder.caBundle(Path.of((String) value));
            default -> throw new IllegalArgumentException("no such setting: " + key);
        }
    }
}

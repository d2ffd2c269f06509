package ai.sentryagent.idp;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.sentryagent.idp.models.CredentialWithSecret;
import ai.sentryagent.idp.models.IntrospectTokenRequest;
import ai.sentryagent.idp.models.TokenResponse;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Every text that Java makes of the SDK, searched for every secret that was used. */
class RedactionTest {
    private static final String CLIENT_SECRET = "sk_live_veiled1";
    private static final String ACCESS_TOKEN = "veiled2.veiled2.veiled2";
    private static final String HEADER = "veiled3";
    private static final String PROXY_PASSWORD = "veiled4";
    private static final String WEBHOOK_SECRET = "veiled5!";
    private static final String ANSWER_SECRET = "sk_live_veiled6";
    private static final Logger LOGGER = Logger.getLogger("ai.sentryagent.idp");

    private final List<String> texts = new ArrayList<>();

    @Test
    void noTextHoldsASecret() throws Exception {
        ConcurrentLinkedQueue<String> logged = new ConcurrentLinkedQueue<>();
        Handler handler = into(logged);
        LOGGER.setLevel(Level.ALL);
        LOGGER.setUseParentHandlers(false);
        LOGGER.addHandler(handler);
        try (Wire wire = new Wire()) {
            use(wire);
        } finally {
            LOGGER.removeHandler(handler);
            LOGGER.setLevel(null);
            LOGGER.setUseParentHandlers(true);
        }
        texts.addAll(logged);
        for (var thread : ManagementFactory.getThreadMXBean().dumpAllThreads(true, true)) {
            texts.add(thread.toString());
        }
        assertTrue(texts.size() > 40, "only " + texts.size());
        for (String text : texts) {
            assertFalse(text.contains("veiled"), text);
        }
    }

    private void use(Wire wire) throws Exception {
        wire.answer(Wire.TOKEN, 200, "{\"access_token\":\"" + ACCESS_TOKEN
                + "\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"scope\":\"agents:read\"}");
        AgentIdPClientBuilder builder = AgentIdPClient.builder()
                .baseUrl(wire.url()).clientId("me").clientSecret(CLIENT_SECRET).header("X-Key", HEADER).retries(0);
        show(builder);
        CallOptions options = CallOptions.builder().header("X-Key", HEADER).build();
        show(options);
        show(AgentIdPClient.builder().proxy("http://user:" + PROXY_PASSWORD + "@127.0.0.1:1"));
        try (AgentIdPClient client = builder.build(); TokenManager tokens = client.tokenManager()) {
            show(client);
            show(tokens);
            show(client.agents());
            show(client.explainConfiguration());
            assertTrue(tokens.getToken().contains("veiled2"));
            failures(wire, client, options);
        }
        show(TokenResponse.fromJson("{\"access_token\":\"" + ACCESS_TOKEN
                + "\",\"token_type\":\"Bearer\",\"expires_in\":60,\"scope\":\"s\",\"id_token\":\"" + ACCESS_TOKEN + "\"}"));
        show(CredentialWithSecret.fromJson("""
                {"credentialId":"c1","clientId":"a1","status":"active","scopes":null,"createdAt":"2026-03-28T09:00:00.000Z",\
                "expiresAt":null,"revokedAt":null,"lastUsedAt":null,"clientSecret":"%s"}""".formatted(ANSWER_SECRET)));
        show(IntrospectTokenRequest.builder().token(ACCESS_TOKEN).build());
        tokensAndWebhooks();
    }

    private void failures(Wire wire, AgentIdPClient client, CallOptions options) throws IOException {
        for (int status : new int[] {400, 401, 403, 404, 409, 418, 429, 500}) {
            wire.answer(Wire.AGENT + "a" + status, status, "{\"code\":\"NO\",\"message\":\"no\"}");
            show(assertThrows(AgentIdPException.class, () -> client.agents().getAgent("a" + status, options)));
        }
        wire.answer(Wire.AGENT + "odd", 200, "{\"agentId\":\"" + ANSWER_SECRET);
        show(assertThrows(DecodingException.class, () -> client.agents().getAgent("odd", options)));
        show(assertThrows(CompletionException.class, () -> client.agents().getAgentAsync("a404", options).join()));
        wire.close();
        show(assertThrows(ApiConnectionException.class, () -> client.agents().getAgent("a1", options)));
        show(assertThrows(ConfigurationException.class, () -> AgentIdPClient.builder()
                .baseUrl("http://192.0.2.1").clientId("me").clientSecret(CLIENT_SECRET).build()));
        show(assertThrows(ConfigurationException.class, () -> AgentIdPClient.builder()
                .baseUrl("https://127.0.0.1").clientId("me").clientSecret("s").proxy("://" + PROXY_PASSWORD).build()));
    }

    private void tokensAndWebhooks() throws IOException {
        try (Issuer issuer = new Issuer(); TokenVerifier verifier = issuer.verifier()
                .proxy("http://user:" + PROXY_PASSWORD + "@127.0.0.1:1").build()) {
            show(verifier);
            show(issuer.verifier().proxy("http://user:" + PROXY_PASSWORD + "@127.0.0.1:1"));
            show(assertThrows(AgentIdPException.class, () -> verifier.verify(ACCESS_TOKEN)));
        }
        show(assertThrows(ConfigurationException.class, () -> Webhooks.verifyWebhook(new byte[0], Map.of(), WEBHOOK_SECRET)));
    }

    private void show(Object value) {
        texts.add(String.valueOf(value));
        if (value instanceof Throwable error) {
            StringWriter stack = new StringWriter();
            error.printStackTrace(new PrintWriter(stack));
            texts.add(stack.toString());
            if (error instanceof AgentIdPException known) {
                texts.add(known.getRecord().toString());
                texts.add(String.valueOf(known.getResponse()));
            }
        }
    }

    private static Handler into(ConcurrentLinkedQueue<String> logged) {
        return new Handler() {
            @Override
            public void publish(LogRecord record) {
                logged.add(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }
}

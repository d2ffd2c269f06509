package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.CallOptions;
import ai.sentryagent.idp.models.CredentialWithSecret;
import ai.sentryagent.idp.models.TokenResponse;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;

/** Every way in which Java shows what may hold a secret. */
final class Shown {
    private volatile CredentialWithSecret credential;
    private volatile TokenResponse token;
    private volatile Throwable error;

    /** Keeps the last values that hold secrets. */
    void answered(String json) {
        if (json != null && json.contains("\"clientSecret\"")) {
            credential = CredentialWithSecret.fromJson(json);
        }
        if (json != null && json.contains("\"access_token\"")) {
            token = TokenResponse.fromJson(json);
        }
    }

    void failed(Throwable failure) {
        error = failure;
    }

    List<String> all(AgentIdPClient client, Subjects subjects) {
        List<String> out = new ArrayList<>();
        if (client != null) {
            out.add(client.toString());
            out.add(client.tokenManager().toString());
            out.add(client.explainConfiguration().toString());
            out.add(String.valueOf(client.agents()));
        }
        subjects.builders().forEach(builder -> out.add(builder.toString()));
        subjects.verifiers().forEach(verifier -> out.add(verifier.toString()));
        out.add(CallOptions.builder()
                .header("authorization", "Bearer secret-of-the-runner")
                .build()
                .toString());
        out.add(String.valueOf(credential));
        out.add(String.valueOf(token));
        if (credential != null) {
            out.add(credential.toBuilder().toString());
        }
        if (error != null) {
            StringWriter stack = new StringWriter();
            error.printStackTrace(new PrintWriter(stack));
            out.add(stack.toString());
            out.add(error.toString());
            if (error instanceof AgentIdPException known) {
                out.add(known.getRecord().toString());
                out.add(String.valueOf(known.getResponse()));
            }
        }
        Thread.getAllStackTraces().keySet().forEach(thread -> out.add(thread.getName()));
        return out;
    }
}

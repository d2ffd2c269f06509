package ai.sentryagent.idp.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;

/** The tokens of the run, and a verifier that is given them. */
final class Verification {
    /** Verifications of each kind before the first turn, so that the compiler has seen them. */
    private static final int WARM = 10_000;

    private final Verifier verifier;
    private final JsonNode tokens;

    Verification(Verifier verifier, String baseUrl) throws IOException {
        this.verifier = verifier;
        try (InputStream in = URI.create(baseUrl + "/tokens").toURL().openStream()) {
            tokens = JsonMapper.builder().build().readTree(in);
        }
        for (String algorithm : new String[] {"rs256", "es256"}) {
            verify(algorithm, WARM);
        }
    }

    void verify(String algorithm, int times) {
        String token = tokens.get(algorithm).textValue();
        for (int i = 0; i < times; i++) {
            verifier.verify(token);
        }
    }
}

package ai.sentryagent.idp;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;

/** An issuer of tokens on loopback: discovery, one RSA key, and tokens of any content. */
final class Issuer implements AutoCloseable {
    static final String AUDIENCE = "https://reports.example.com";
    static final String KEYS = "/keys";

    private static final String DISCOVERY = "/.well-known/openid-configuration";
    private static final Base64.Encoder URL = Base64.getUrlEncoder().withoutPadding();
    private static final KeyPair KEY = keyPair();
    private static final KeyPair FOREIGN = keyPair();

    final Wire wire = new Wire();

    Issuer() throws IOException {
        RSAPublicKey key = (RSAPublicKey) KEY.getPublic();
        wire.answer(DISCOVERY, 200, "{\"issuer\":\"" + wire.url() + "\",\"jwks_uri\":\"" + wire.url() + KEYS + "\"}");
        wire.answer(KEYS, 200, """
                {"keys":[{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","n":"%s","e":"%s"}]}"""
                .formatted(number(key.getModulus()), number(key.getPublicExponent())));
    }

    TokenVerifierBuilder verifier() {
        return TokenVerifier.builder().issuer(wire.url()).audience(AUDIENCE);
    }

    String good() {
        return token("k1", wire.url(), AUDIENCE, Instant.now().plusSeconds(600), "agents:read audit:read");
    }

    String token(String kid, String issuer, String audience, Instant end, String scope) {
        return signed(KEY, kid, issuer, audience, end, scope);
    }

    /** Of the right name, by another key. */
    String forged() {
        return signed(FOREIGN, "k1", wire.url(), AUDIENCE, Instant.now().plusSeconds(600), "agents:read");
    }

    private static String signed(KeyPair by, String kid, String issuer, String audience, Instant end, String scope) {
        long now = Instant.now().getEpochSecond();
        String text = base64("{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"" + kid + "\"}") + '.' + base64("""
                {"iss":"%s","aud":"%s","sub":"agent-1","client_id":"agent-1","organization_id":"org-1","jti":"t-1",\
                "scope":"%s","iat":%d,"exp":%d,"mood":{"level":3}}"""
                .formatted(issuer, audience, scope, now, end.getEpochSecond()));
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(by.getPrivate());
            signature.update(text.getBytes(StandardCharsets.US_ASCII));
            return text + '.' + URL.encodeToString(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String base64(String text) {
        return URL.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String number(java.math.BigInteger number) {
        byte[] bytes = number.toByteArray();
        int from = bytes[0] == 0 ? 1 : 0;
        return URL.encodeToString(java.util.Arrays.copyOfRange(bytes, from, bytes.length));
    }

    private static KeyPair keyPair() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        wire.close();
    }
}

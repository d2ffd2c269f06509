package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Arguments;
import java.io.Serializable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** An access token that holds: its signature, issuer, audience and time were checked. Immutable. */
public final class VerifiedToken implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String subject;
    private final String clientId;
    private final String organizationId;
    private final List<String> scopes;
    private final String tokenId;
    private final String issuer;
    private final List<String> audience;
    private final Instant issuedAt;
    private final Instant expiresAt;
    private final String keyId;
    private final String algorithm;
    private final Map<String, Object> claims;

    /** Of the core's JSON. */
    VerifiedToken(Map<String, Object> json) {
        subject = text(json, "subject");
        clientId = text(json, "clientId");
        organizationId = text(json, "organizationId");
        scopes = texts(json, "scopes");
        tokenId = text(json, "tokenId");
        issuer = text(json, "issuer");
        audience = texts(json, "audience");
        issuedAt = time(json, "issuedAt");
        expiresAt = time(json, "expiresAt");
        keyId = text(json, "keyId");
        algorithm = text(json, "algorithm");
        claims = claims(json.get("claims"));
    }

    /**
     * Whom the token is about: the agent's id.
     *
     * @return the claim {@code sub}
     */
    public String getSubject() {
        return subject;
    }

    /**
     * The client that the token was issued to.
     *
     * @return the claim {@code client_id}, or null
     */
    public String getClientId() {
        return clientId;
    }

    /**
     * The organization of the agent.
     *
     * @return the claim {@code organization_id}, or null
     */
    public String getOrganizationId() {
        return organizationId;
    }

    /**
     * What the token may be used for.
     *
     * @return the words of the claim {@code scope}
     */
    public List<String> getScopes() {
        return scopes;
    }

    /**
     * Whether the token may be used for all of these.
     *
     * @param wanted scopes
     * @return true when it has every one
     * @throws ValidationException when it is null, or one of them is
     */
    public boolean hasScopes(Collection<String> wanted) {
        return scopes.containsAll(Arguments.items("wanted", wanted));
    }

    /**
     * The token's own id.
     *
     * @return the claim {@code jti}, or null
     */
    public String getTokenId() {
        return tokenId;
    }

    /**
     * Who issued it.
     *
     * @return the claim {@code iss}
     */
    public String getIssuer() {
        return issuer;
    }

    /**
     * Whom it is meant for.
     *
     * @return the claim {@code aud}
     */
    public List<String> getAudience() {
        return audience;
    }

    /**
     * When it was issued.
     *
     * @return the claim {@code iat}, or null
     */
    public Instant getIssuedAt() {
        return issuedAt;
    }

    /**
     * When it ends.
     *
     * @return the claim {@code exp}
     */
    public Instant getExpiresAt() {
        return expiresAt;
    }

    /**
     * The key that signed it.
     *
     * @return the header's {@code kid}, or null
     */
    public String getKeyId() {
        return keyId;
    }

    /**
     * How it was signed.
     *
     * @return {@code RS256}, {@code ES256} or {@code EdDSA}
     */
    public String getAlgorithm() {
        return algorithm;
    }

    /**
     * Every claim of the token.
     *
     * @return JSON values by name: null, Boolean, String, Long, BigInteger, BigDecimal, List or Map
     */
    public Map<String, Object> getClaims() {
        return claims;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VerifiedToken that
                && claims.equals(that.claims)
                && Objects.equals(keyId, that.keyId)
                && Objects.equals(algorithm, that.algorithm);
    }

    @Override
    public int hashCode() {
        return Objects.hash(claims, keyId, algorithm);
    }

    /** For people. The token itself is not kept; of claims that have no method only the names are shown. */
    @Override
    public String toString() {
        return "VerifiedToken{subject=" + subject + ", clientId=" + clientId + ", organizationId=" + organizationId
                + ", scopes=" + scopes + ", tokenId=" + tokenId + ", issuer=" + issuer + ", audience=" + audience
                + ", issuedAt=" + issuedAt + ", expiresAt=" + expiresAt + ", keyId=" + keyId + ", algorithm=" + algorithm
                + ", claims=" + claims.keySet() + '}';
    }

    private static String text(Map<String, Object> json, String name) {
        return json.get(name) instanceof String text ? text : null;
    }

    private static Instant time(Map<String, Object> json, String name) {
        return json.get(name) instanceof Number seconds ? Instant.ofEpochSecond(seconds.longValue()) : null;
    }

    private static List<String> texts(Map<String, Object> json, String name) {
        List<String> out = new ArrayList<>();
        if (json.get(name) instanceof List<?> list) {
            list.forEach(item -> out.add(String.valueOf(item)));
        }
        return List.copyOf(out);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> claims(Object claims) {
        // An unmodifiable map of JSON values, as every object that the decoder reads.
        return claims instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }
}

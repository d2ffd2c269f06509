package ai.sentryagent.idp.spring;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.AuthenticationException;
import ai.sentryagent.idp.PermissionDeniedException;
import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.VerifiedToken;
import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.BearerAnswer;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;

/**
 * Spring Security's decoder over a {@link TokenVerifier}: a bean of this type is all that
 * {@code oauth2ResourceServer(server -> server.jwt(withDefaults()))} needs. Scopes become authorities as Spring has them,
 * {@code SCOPE_agents:read}.
 *
 * <pre>{@code
 * @Bean
 * JwtDecoder jwtDecoder(TokenVerifier verifier) {
 *     return new TokenVerifierJwtDecoder(verifier);
 * }
 * }</pre>
 *
 * <p>When the issuer's keys cannot be had the request is answered with 503, and when a scope is missing that the verifier
 * itself requires, with 403; {@link BearerErrorHandler} adds {@code Retry-After} and a JSON body.
 */
public final class TokenVerifierJwtDecoder implements JwtDecoder {
    private final TokenVerifier verifier;

    /**
     * A decoder.
     *
     * @param verifier checks the tokens; it stays the caller's to close
     * @throws ai.sentryagent.idp.ConfigurationException when it is null
     */
    public TokenVerifierJwtDecoder(TokenVerifier verifier) {
        this.verifier = Arguments.setting("verifier", verifier);
    }

    /**
     * Checks a token.
     *
     * @param token the token
     * @return the token in Spring's form
     * @throws BadJwtException when it does not hold
     * @throws OAuth2AuthenticationException when it cannot be checked, or lacks a scope that the verifier requires
     */
    @Override
    public Jwt decode(String token) {
        try {
            return jwt(token, verifier.verify(token));
        } catch (AuthenticationException e) {
            throw new BadJwtException(BearerAnswer.of(e).message(), e);
        } catch (PermissionDeniedException e) {
            throw new OAuth2AuthenticationException(BearerTokenErrors.insufficientScope(BearerAnswer.of(e).message(), null), e);
        } catch (AgentIdPException e) {
            // No JwtException: Spring would make it a failure of the server, 500.
            throw new OAuth2AuthenticationException(
                    new BearerTokenError(
                            "temporarily_unavailable",
                            HttpStatus.SERVICE_UNAVAILABLE,
                            BearerAnswer.of(e).message(),
                            null),
                    e);
        }
    }

    private static Jwt jwt(String value, VerifiedToken token) {
        Map<String, Object> headers = new LinkedHashMap<>();
        headers.put("alg", token.getAlgorithm());
        if (token.getKeyId() != null) {
            headers.put("kid", token.getKeyId());
        }
        Map<String, Object> claims = new LinkedHashMap<>(token.getClaims());
        claims.put(JwtClaimNames.AUD, token.getAudience());
        // Spring wants times in its own form.
        claims.computeIfPresent(JwtClaimNames.IAT, TokenVerifierJwtDecoder::time);
        claims.computeIfPresent(JwtClaimNames.NBF, TokenVerifierJwtDecoder::time);
        claims.put(JwtClaimNames.EXP, token.getExpiresAt());
        // Spring refuses a token that ends before it was issued; clocks that differ within the leeway make such tokens.
        Instant issued = token.getIssuedAt();
        boolean shown = issued != null && issued.isBefore(token.getExpiresAt());
        return new Jwt(value, shown ? issued : null, token.getExpiresAt(), headers, claims);
    }

    private static Object time(String name, Object value) {
        return value instanceof Number seconds ? Instant.ofEpochSecond(seconds.longValue()) : value;
    }
}

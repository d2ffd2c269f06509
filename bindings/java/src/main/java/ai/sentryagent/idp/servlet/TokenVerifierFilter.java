package ai.sentryagent.idp.servlet;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.VerifiedToken;
import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.BearerAnswer;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Lets a request through when its access token holds. What comes after it finds the token by {@link #token}, and as the
 * request's principal; a scope is a role ({@code isUserInRole("agents:read")}).
 *
 * <pre>{@code
 * context.addFilter("token", new TokenVerifierFilter(verifier, "agents:read"))
 *         .addMappingForUrlPatterns(null, false, "/reports/*");
 * }</pre>
 *
 * <p>Else it answers: 401 without a token or with one that does not hold, 403 when a scope is missing, 503 with
 * {@code Retry-After} when the issuer's keys cannot be had; each with {@code WWW-Authenticate} as RFC 6750 says and a JSON
 * body of {@code code} and {@code message}.
 */
public final class TokenVerifierFilter implements Filter {
    private final TokenVerifier verifier;
    private final List<String> requiredScopes;

    /**
     * A filter.
     *
     * @param verifier checks the tokens; it stays the caller's to close
     * @param requiredScopes scopes that a token must have beside those that the verifier requires
     * @throws ai.sentryagent.idp.ConfigurationException when one of them is null
     */
    public TokenVerifierFilter(TokenVerifier verifier, String... requiredScopes) {
        this.verifier = Arguments.setting("verifier", verifier);
        this.requiredScopes = Arguments.settings("requiredScopes", Arrays.asList(Arguments.setting("requiredScopes", requiredScopes)));
    }

    /**
     * The token that let a request through.
     *
     * @param request the request, behind this filter
     * @return the token, or null when this filter did not see the request
     */
    public static VerifiedToken token(ServletRequest request) {
        return (VerifiedToken) request.getAttribute(VerifiedToken.class.getName());
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (!(request instanceof HttpServletRequest http) || !(response instanceof HttpServletResponse answer)) {
            throw new ServletException("access tokens come over HTTP");
        }
        String bearer = BearerAnswer.token(http.getHeader("Authorization"));
        if (bearer == null) {
            refuse(answer, BearerAnswer.missing());
            return;
        }
        VerifiedToken token;
        try {
            token = verifier.verify(bearer, requiredScopes);
        } catch (AgentIdPException e) {
            refuse(answer, BearerAnswer.of(e));
            return;
        }
        request.setAttribute(VerifiedToken.class.getName(), token);
        chain.doFilter(new VerifiedRequest(http, token), response);
    }

    private static void refuse(HttpServletResponse answer, BearerAnswer refusal) throws IOException {
        answer.setStatus(refusal.status());
        if (refusal.challenge() != null) {
            answer.setHeader("WWW-Authenticate", refusal.challenge());
        }
        if (refusal.retryAfter() != null) {
            answer.setHeader("Retry-After", refusal.retryAfter().toString());
        }
        answer.setContentType("application/json");
        answer.getOutputStream().write(refusal.json().getBytes(StandardCharsets.UTF_8));
    }
}

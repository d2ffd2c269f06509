package ai.sentryagent.idp.spring;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.internal.BearerAnswer;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authorization.AuthorityAuthorizationDecision;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;

/**
 * Answers refused requests as the service does: {@code WWW-Authenticate} as RFC 6750 says, {@code Retry-After} where waiting
 * helps, and a JSON body of {@code code} and {@code message}.
 *
 * <pre>{@code
 * BearerErrorHandler errors = new BearerErrorHandler();
 * http.oauth2ResourceServer(server -> server.jwt(withDefaults())
 *         .authenticationEntryPoint(errors)
 *         .accessDeniedHandler(errors));
 * }</pre>
 */
public final class BearerErrorHandler implements AuthenticationEntryPoint, AccessDeniedHandler {
    private static final String SCOPE = "SCOPE_";

    /** A handler; it keeps no state. */
    public BearerErrorHandler() {}

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException error)
            throws IOException {
        refuse(response, answer(error));
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException error)
            throws IOException {
        refuse(response, BearerAnswer.insufficient(scopes(error)));
    }

    private static BearerAnswer answer(AuthenticationException error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof AgentIdPException ours) {
                return BearerAnswer.of(ours);
            }
        }
        if (error instanceof OAuth2AuthenticationException oauth && oauth.getError() instanceof BearerTokenError bearer) {
            return new BearerAnswer(
                    bearer.getHttpStatus().value(),
                    "Bearer error=\"" + bearer.getErrorCode() + '"',
                    null,
                    "UNAUTHORIZED",
                    bearer.getDescription());
        }
        return BearerAnswer.missing();
    }

    /** The scopes that one of was wanted, where Spring says it. */
    private static List<String> scopes(AccessDeniedException error) {
        if (error instanceof AuthorizationDeniedException denied
                && denied.getAuthorizationResult() instanceof AuthorityAuthorizationDecision decision) {
            return decision.getAuthorities().stream()
                    .map(authority -> String.valueOf(authority.getAuthority()))
                    .filter(authority -> authority.startsWith(SCOPE))
                    .map(authority -> authority.substring(SCOPE.length()))
                    .toList();
        }
        return List.of();
    }

    private static void refuse(HttpServletResponse response, BearerAnswer refusal) throws IOException {
        response.setStatus(refusal.status());
        if (refusal.challenge() != null) {
            response.setHeader("WWW-Authenticate", refusal.challenge());
        }
        if (refusal.retryAfter() != null) {
            response.setHeader("Retry-After", refusal.retryAfter().toString());
        }
        response.setContentType("application/json");
        response.getOutputStream().write(refusal.json().getBytes(StandardCharsets.UTF_8));
    }
}

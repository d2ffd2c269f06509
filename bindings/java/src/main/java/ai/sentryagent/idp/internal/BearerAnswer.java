package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.AuthenticationException;
import ai.sentryagent.idp.PermissionDeniedException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a resource server answers a request whose token does not open the door (RFC 6750 section 3), for every adapter.
 *
 * @param status 401, 403 or 503
 * @param challenge the header {@code WWW-Authenticate}; null when the caller's token is not the reason
 * @param retryAfter the header {@code Retry-After} in seconds; null when there is nothing to wait for
 * @param code the body's
 * @param message the body's
 */
public record BearerAnswer(int status, String challenge, Long retryAfter, String code, String message) {
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    /** No token came. */
    public static BearerAnswer missing() {
        return new BearerAnswer(401, "Bearer", null, "UNAUTHORIZED", "An access token is required.");
    }

    /** A token came, and it was refused or could not be checked. */
    public static BearerAnswer of(AgentIdPException error) {
        if (error instanceof AuthenticationException) {
            String text = plain(error.getMessage());
            return new BearerAnswer(
                    401, "Bearer error=\"invalid_token\", error_description=\"" + text + '"', null, "UNAUTHORIZED", text);
        }
        if (error instanceof PermissionDeniedException) {
            return error.getDetails().get("requiredScopes") instanceof List<?> scopes
                    ? insufficient(scopes.stream().map(String::valueOf).toList())
                    : insufficient(List.of());
        }
        Duration wait = error.getRetryAfter() == null ? RETRY_AFTER : error.getRetryAfter();
        return new BearerAnswer(
                503, null, Math.max(1, wait.toSeconds()), "SERVICE_UNAVAILABLE", "The token cannot be checked now.");
    }

    /** The token lacks one of these. */
    public static BearerAnswer insufficient(Collection<String> scopes) {
        String wanted = scopes.isEmpty()
                ? ""
                : scopes.stream().map(BearerAnswer::plain).collect(Collectors.joining(" ", ", scope=\"", "\""));
        return new BearerAnswer(
                403, "Bearer error=\"insufficient_scope\"" + wanted, null, "INSUFFICIENT_SCOPE", "The token lacks a scope.");
    }

    /** The token of a header {@code Authorization}; null when it carries none. The scheme has no case. */
    public static String token(String authorization) {
        String scheme = "Bearer ";
        if (authorization == null || !authorization.regionMatches(true, 0, scheme, 0, scheme.length())) {
            return null;
        }
        String token = authorization.substring(scheme.length()).strip();
        return token.isEmpty() ? null : token;
    }

    /** The body. */
    public String json() {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("code", code);
        body.put("message", message);
        return Json.OBJECT.toJson(body);
    }

    /** What may stand between the quotes (RFC 6750 section 3). */
    private static String plain(String text) {
        return String.valueOf(text).replace('"', '\'').replaceAll("[^\\x20-\\x7E]|\\\\", "?");
    }
}

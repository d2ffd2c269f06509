package ai.sentryagent.idp.servlet;

import ai.sentryagent.idp.VerifiedToken;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.security.Principal;

/** A request whose caller is known by its token. */
final class VerifiedRequest extends HttpServletRequestWrapper {
    private final VerifiedToken token;

    VerifiedRequest(HttpServletRequest request, VerifiedToken token) {
        super(request);
        this.token = token;
    }

    @Override
    public String getAuthType() {
        return "BEARER";
    }

    @Override
    public String getRemoteUser() {
        return token.getSubject();
    }

    @Override
    public Principal getUserPrincipal() {
        return new Caller(token.getSubject());
    }

    @Override
    public boolean isUserInRole(String role) {
        return token.getScopes().contains(role);
    }

    private record Caller(String getName) implements Principal {}
}

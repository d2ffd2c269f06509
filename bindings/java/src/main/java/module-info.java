/**
 * The Java SDK of SentryAgent AgentIdP, the identity provider for AI agents.
 *
 * <p>Begin at {@link ai.sentryagent.idp.AgentIdPClient}.
 */
module ai.sentryagent.idp {
    requires com.fasterxml.jackson.core;

    exports ai.sentryagent.idp;
    exports ai.sentryagent.idp.models;
}

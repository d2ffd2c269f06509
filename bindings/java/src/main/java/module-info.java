/**
 * The Java SDK of SentryAgent AgentIdP, the identity provider for AI agents.
 *
 * <p>Begin at {@link ai.sentryagent.idp.AgentIdPClient}. What is required statically is needed by one package alone, and by
 * nobody who does not use it; whoever does requires it, too. It is not passed on (transitive): then no module could be
 * compiled against this one without all of it.
 */
@SuppressWarnings("requires-automatic") // Spring's jars have names but no descriptors
module ai.sentryagent.idp {
    requires com.fasterxml.jackson.core;
    // ai.sentryagent.idp.servlet, .spring
    requires static jakarta.servlet;
    // ai.sentryagent.idp.spring
    requires static spring.core;
    requires static spring.web;
    requires static spring.security.core;
    requires static spring.security.web;
    requires static spring.security.oauth2.core;
    requires static spring.security.oauth2.jose;
    requires static spring.security.oauth2.resource.server;
    // ai.sentryagent.idp.testing.MockServerExtension
    requires static org.junit.jupiter.api;

    exports ai.sentryagent.idp;
    exports ai.sentryagent.idp.models;
    exports ai.sentryagent.idp.servlet;
    exports ai.sentryagent.idp.spring;
    exports ai.sentryagent.idp.testing;
}

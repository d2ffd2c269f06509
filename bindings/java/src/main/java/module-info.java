/**
 * The Java SDK of SentryAgent AgentIdP, the identity provider for AI agents.
 *
 * <p>Begin at {@link ai.sentryagent.idp.AgentIdPClient}. What is required statically is needed by one package alone, and by
 * nobody who does not use it.
 */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Spring's jars have names but no descriptors
module ai.sentryagent.idp {
    requires com.fasterxml.jackson.core;
    // ai.sentryagent.idp.servlet, .spring
    requires static transitive jakarta.servlet;
    // ai.sentryagent.idp.spring
    requires static spring.core;
    requires static spring.web;
    requires static transitive spring.security.core;
    requires static transitive spring.security.web;
    requires static transitive spring.security.oauth2.core;
    requires static transitive spring.security.oauth2.jose;
    requires static transitive spring.security.oauth2.resource.server;
    // ai.sentryagent.idp.testing.MockServerExtension
    requires static transitive org.junit.jupiter.api;

    exports ai.sentryagent.idp;
    exports ai.sentryagent.idp.models;
    exports ai.sentryagent.idp.servlet;
    exports ai.sentryagent.idp.spring;
    exports ai.sentryagent.idp.testing;
}

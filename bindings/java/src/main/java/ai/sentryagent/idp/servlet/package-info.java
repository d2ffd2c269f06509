/**
 * Access tokens in front of servlets: {@link ai.sentryagent.idp.servlet.TokenVerifierFilter}.
 *
 * <p>Needs {@code jakarta.servlet-api} 6.0 or later, which every container brings.
 */
package ai.sentryagent.idp.servlet;

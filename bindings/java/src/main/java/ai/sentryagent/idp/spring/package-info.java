/**
 * Access tokens in Spring Security: {@link ai.sentryagent.idp.spring.TokenVerifierJwtDecoder}.
 *
 * <p>Needs {@code spring-security-oauth2-resource-server} and {@code spring-security-oauth2-jose} 6.4 or later.
 */
package ai.sentryagent.idp.spring;

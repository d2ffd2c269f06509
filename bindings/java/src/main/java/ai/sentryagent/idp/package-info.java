/**
 * The client, its services, their options and their exceptions.
 *
 * <p>{@link ai.sentryagent.idp.AgentIdPClient} is where everything begins. Values are in {@link ai.sentryagent.idp.models}.
 */
package ai.sentryagent.idp;

/**
 * For tests of applications: a service on this machine, and a clock that the test moves.
 *
 * <p>{@link ai.sentryagent.idp.testing.MockServer} is one line; with JUnit 5 it is an annotation,
 * {@link ai.sentryagent.idp.testing.MockServerExtension}. JUnit is needed by the latter alone.
 */
package ai.sentryagent.idp.testing;

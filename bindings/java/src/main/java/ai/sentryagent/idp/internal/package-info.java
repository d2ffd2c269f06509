/**
 * The bridge to the native core. No part of the API: anything here may change in any release.
 *
 * <p>The way of a call: a service puts its arguments into an {@code Envelope}; {@code Bridge} gives it an id, keeps the
 * id in {@code Pump} and starts it in the native core; the pump's one thread drains answers in batches and hands each to
 * its {@code Call}, which a blocked caller or an executor decodes. No thread of the native core ever enters Java.
 */
package ai.sentryagent.idp.internal;

package ai.sentryagent.idp.conformance;

import ai.sentryagent.idp.AgentIdPClient;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * An operation's public methods; what they give is turned to JSON by the SDK's own conversion.
 *
 * @param sync waits; null for an empty answer
 * @param async does not wait
 * @param pages all items of a list; null for operations that are none
 */
record Entry(
        BiFunction<AgentIdPClient, Args, String> sync,
        BiFunction<AgentIdPClient, Args, CompletableFuture<String>> async,
        BiFunction<AgentIdPClient, Args, Stream<String>> pages) {}

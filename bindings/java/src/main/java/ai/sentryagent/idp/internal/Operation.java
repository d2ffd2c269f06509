package ai.sentryagent.idp.internal;

/**
 * An operation of the contract.
 *
 * @param index its number in the native core
 * @param codec of its answer; null when the answer is empty
 * @param <T> its answer
 */
public record Operation<T>(int index, Codec<T> codec) {}

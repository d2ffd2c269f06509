package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.AgentIdPException;
import ai.sentryagent.idp.ErrorRecord;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;

/**
 * A verifier of tokens in the native core. Safe for all threads.
 *
 * @param <T> what a token that holds is turned into
 */
public final class VerifierBridge<T> implements AutoCloseable {
    private static final byte[] NO_LINES = {};

    private final NativeHandle handle;
    private final Executor executor;
    private final Codec<T> codec;

    private VerifierBridge(long number, Executor executor, Codec<T> codec) {
        this.handle = new NativeHandle(this, number, Native::verifierFree);
        this.executor = executor;
        this.codec = codec;
    }

    /**
     * Opens a verifier.
     *
     * @param settings the configuration
     * @param executor where futures are completed; null for the SDK's own
     * @param clock null for the system's
     * @param client asked whether tokens are revoked; null when nobody is
     * @param make builds the value of the claims
     * @throws ai.sentryagent.idp.ConfigurationException when the configuration is incomplete or not valid
     */
    public static <T> VerifierBridge<T> open(
            Settings settings, Executor executor, NativeClock clock, Bridge client, Function<Map<String, Object>, T> make) {
        NativeHandle.freeCollected();
        Logs.refresh();
        byte[] made = Native.verifierNew(
                settings.encode(), NativeClock.number(clock), client == null ? 0 : client.number());
        Reference.reachabilityFence(client);
        Reference.reachabilityFence(clock);
        Executor where = executor == null ? Callbacks.executor() : executor;
        return new VerifierBridge<>(Outcome.number(made), where, Json.objectOf(make));
    }

    /** Verifies, at once when the key is known; else waits for it. No token is none that holds. */
    public T verify(String token, Collection<String> scopes) {
        byte[] text = utf8(token == null ? "" : token);
        byte[] lines = lines(scopes);
        byte[] now = verifyNow(text, lines);
        if (now != null) {
            return Outcome.value(now, codec);
        }
        BlockingCall<T> call = new BlockingCall<>(codec, null);
        start(call, text, lines);
        return call.await();
    }

    /** As {@link #verify}; every fault comes out of the future. */
    public CompletableFuture<T> verifyAsync(String token, Collection<String> scopes) {
        AsyncCall<T> call = new AsyncCall<>(codec, null, executor);
        try {
            byte[] text = utf8(token == null ? "" : token);
            byte[] lines = lines(scopes);
            byte[] now = verifyNow(text, lines);
            if (now != null) {
                call.future().complete(Outcome.value(now, codec));
            } else {
                start(call, text, lines);
            }
        } catch (RuntimeException e) {
            call.future().completeExceptionally(e);
        }
        return call.future();
    }

    @Override
    public void close() {
        handle.free();
    }

    private byte[] verifyNow(byte[] token, byte[] scopes) {
        try {
            return Native.verifyNow(open(), token, scopes);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void start(Call<T> call, byte[] token, byte[] scopes) {
        try {
            call.start(id -> Native.startVerify(open(), id, token, scopes));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private long open() {
        if (handle.isFreed()) {
            throw AgentIdPException.of(ErrorRecord.local("configuration", "CLIENT_CLOSED", "the verifier is closed"));
        }
        return handle.number();
    }

    private static byte[] lines(Collection<String> scopes) {
        Arguments.given("requiredScopes", scopes, "must not be null; List.of() is none");
        return scopes.isEmpty() ? NO_LINES : utf8(String.join("\n", Arguments.items("requiredScopes", scopes)));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

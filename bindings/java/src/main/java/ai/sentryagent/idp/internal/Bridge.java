package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.CallOptions;
import ai.sentryagent.idp.ConfigurationException;
import ai.sentryagent.idp.ResponseInfo;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** A client in the native core, and the starting of its calls. Safe for all threads. */
public final class Bridge implements AutoCloseable {
    private static final ReferenceQueue<Bridge> COLLECTED = new ReferenceQueue<>();
    private static final Set<Handle> HANDLES = ConcurrentHashMap.newKeySet();

    static {
        // A jar whose classes and library are of different builds would call the wrong operations.
        String known = new String(Native.operations(), StandardCharsets.UTF_8);
        if (!known.equals(String.join("\n", Operations.IDS))) {
            throw new UnsatisfiedLinkError(
                    "The native library is of another build of sentryagent-idp than its classes; use both from one jar.");
        }
    }

    private final long handle;
    private final Executor executor;

    private Bridge(long handle, Executor executor) {
        this.handle = handle;
        this.executor = executor;
        HANDLES.add(new Handle(this, handle));
    }

    /**
     * Opens a client.
     *
     * @param config the configuration, as JSON
     * @param executor where futures are completed; null for the SDK's own
     * @throws ConfigurationException when the configuration is incomplete or not valid
     */
    public static Bridge open(byte[] config, Executor executor) {
        expungeCollected();
        byte[] answer = Native.clientNew(config);
        if (answer[0] != 0) {
            throw Errors.fromRecord(answer, 1, answer.length - 1);
        }
        long handle = ByteBuffer.wrap(answer, 1, Long.BYTES).getLong();
        return new Bridge(handle, executor == null ? Callbacks.executor() : executor);
    }

    /** Calls and waits. */
    public <T> T call(Operation<T> operation, Envelope args, CallOptions options) {
        BlockingCall<T> call = new BlockingCall<>(operation.codec(), listener(options));
        start(call, operation, args.encode(options));
        return call.await();
    }

    /** Calls; every fault comes out of the future. */
    public <T> CompletableFuture<T> callAsync(Operation<T> operation, Envelope args, CallOptions options) {
        AsyncCall<T> call = new AsyncCall<>(operation.codec(), listener(options), executor);
        try {
            start(call, operation, args.encode(options));
        } catch (RuntimeException e) {
            call.future().completeExceptionally(e);
        }
        return call.future();
    }

    /** The cached token, on the caller's thread; null when there is none that may be handed out. */
    public String cachedToken() {
        byte[] token = Native.cachedToken(handle);
        return token == null ? null : new String(token, StandardCharsets.US_ASCII);
    }

    /** Fetches a token and waits. */
    public String token() {
        String cached = cachedToken();
        if (cached != null) {
            return cached;
        }
        BlockingCall<String> call = new BlockingCall<>(Json.ACCESS_TOKEN, null);
        startToken(call);
        return call.await();
    }

    /** Fetches a token. */
    public CompletableFuture<String> tokenAsync() {
        AsyncCall<String> call = new AsyncCall<>(Json.ACCESS_TOKEN, null, executor);
        try {
            String cached = cachedToken();
            if (cached != null) {
                call.future().complete(cached);
            } else {
                startToken(call);
            }
        } catch (RuntimeException e) {
            call.future().completeExceptionally(e);
        }
        return call.future();
    }

    public void clearTokenCache() {
        Native.clearTokenCache(handle);
    }

    /** Where each value of the configuration came from, secrets masked. */
    public Map<String, Object> explainConfiguration() {
        byte[] json = Native.explainConfiguration(handle);
        return Json.OBJECT.decode(json, 0, json.length);
    }

    @Override
    public void close() {
        Native.clientClose(handle);
    }

    // Between reading the number and using it nobody else may hold this object: the fence keeps it from being collected.

    private <T> void start(Call<T> call, Operation<T> operation, byte[] args) {
        try {
            call.start(id -> Native.start(handle, id, operation.index(), args));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void startToken(Call<String> call) {
        try {
            call.start(id -> Native.startToken(handle, id));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Frees the native clients of bridges that nobody holds any more. */
    static void expungeCollected() {
        for (var dead = COLLECTED.poll(); dead != null; dead = COLLECTED.poll()) {
            Handle handle = (Handle) dead;
            HANDLES.remove(handle);
            Native.clientFree(handle.number);
        }
    }

    private static Consumer<ResponseInfo> listener(CallOptions options) {
        return options == null ? null : options.getOnResponse();
    }

    /** Outlives its bridge. Not a Cleaner: that would start a thread before the first call. */
    private static final class Handle extends PhantomReference<Bridge> {
        private final long number;

        Handle(Bridge bridge, long number) {
            super(bridge, COLLECTED);
            this.number = number;
        }
    }
}

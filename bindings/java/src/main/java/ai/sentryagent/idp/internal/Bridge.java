package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.CallOptions;
import ai.sentryagent.idp.ConfigurationException;
import ai.sentryagent.idp.ResponseInfo;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A client in the native core, and the starting of its calls. Safe for all threads. */
public final class Bridge implements AutoCloseable {
    static {
        // A jar whose classes and library are of different builds would call the wrong operations.
        String known = new String(Native.operations(), StandardCharsets.UTF_8);
        if (!known.equals(String.join("\n", Operations.IDS))) {
            throw new UnsatisfiedLinkError(
                    "The native library is of another build of sentryagent-idp than its classes; use both from one jar.");
        }
    }

    private final NativeHandle handle;
    private final Executor executor;
    private final Supplier<String> traceparent;

    private Bridge(long number, Executor executor, Supplier<String> traceparent) {
        this.handle = new NativeHandle(this, number, Native::clientFree);
        this.executor = executor;
        this.traceparent = traceparent;
    }

    /**
     * Opens a client.
     *
     * @param settings the configuration
     * @param executor where futures are completed; null for the SDK's own
     * @param clock null for the system's
     * @param traceparent the caller's place in a trace; null to ask OpenTelemetry, where it is on the path
     * @throws ConfigurationException when the configuration is incomplete or not valid
     */
    public static Bridge open(Settings settings, Executor executor, NativeClock clock, Supplier<String> traceparent) {
        NativeHandle.freeCollected();
        Logs.refresh();
        long number = Outcome.number(Native.clientNew(settings.encode(), NativeClock.number(clock)));
        Reference.reachabilityFence(clock);
        return new Bridge(number, executor == null ? Callbacks.executor() : executor, traceparent);
    }

    /** Calls and waits. */
    public <T> T call(Operation<T> operation, Envelope args, CallOptions options) {
        BlockingCall<T> call = new BlockingCall<>(operation.codec(), listener(options));
        start(call, operation, args.encode(options, Traceparent.of(traceparent, options)));
        return call.await();
    }

    /** Calls; every fault comes out of the future. */
    public <T> CompletableFuture<T> callAsync(Operation<T> operation, Envelope args, CallOptions options) {
        AsyncCall<T> call = new AsyncCall<>(operation.codec(), listener(options), executor);
        try {
            start(call, operation, args.encode(options, Traceparent.of(traceparent, options)));
        } catch (RuntimeException e) {
            call.future().completeExceptionally(e);
        }
        return call.future();
    }

    /** The cached token, on the caller's thread; null when there is none that may be handed out. */
    public String cachedToken() {
        byte[] token = Native.cachedToken(number());
        Reference.reachabilityFence(this);
        if (Logs.wanted()) {
            // Reading may have begun a renewal, and its records need somebody who brings them in.
            Pump.ensure();
        }
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
        Native.clearTokenCache(number());
        Reference.reachabilityFence(this);
    }

    /** Where each value of the configuration came from, secrets masked. */
    public Map<String, Object> explainConfiguration() {
        byte[] json = Native.explainConfiguration(number());
        Reference.reachabilityFence(this);
        return Json.OBJECT.decode(json, 0, json.length);
    }

    /** Base URL and client id, for people. */
    public String describe() {
        Map<String, Object> explained = explainConfiguration();
        return "{baseUrl=" + shown(explained, "baseUrl") + ", clientId=" + shown(explained, "clientId") + '}';
    }

    private static Object shown(Map<String, Object> explained, String name) {
        return explained.get(name) instanceof Map<?, ?> setting ? setting.get("value") : null;
    }

    @Override
    public void close() {
        Native.clientClose(number());
        Reference.reachabilityFence(this);
    }

    long number() {
        return handle.number();
    }

    // Between reading the number and using it nobody else may hold this object: the fence keeps it from being collected.

    private <T> void start(Call<T> call, Operation<T> operation, byte[] args) {
        try {
            call.start(id -> Native.start(number(), id, operation.index(), args));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void startToken(Call<String> call) {
        try {
            call.start(id -> Native.startToken(number(), id));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private static Consumer<ResponseInfo> listener(CallOptions options) {
        return options == null ? null : options.getOnResponse();
    }
}

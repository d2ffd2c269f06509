package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.ResponseInfo;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * A call whose caller holds a future. Decoding and completing, and so the caller's dependants, run on an executor: inline
 * on the pump a dependant that waits for another call would wait for ever.
 *
 * @param <T> the answer's value
 */
final class AsyncCall<T> extends Call<T> implements Runnable {
    private final Executor executor;
    private final CallFuture<T> future;
    private Frame frame;

    AsyncCall(Codec<T> codec, Consumer<ResponseInfo> onResponse, Executor executor) {
        super(codec, onResponse);
        this.executor = executor;
        this.future = new CallFuture<>(executor, this::abort);
    }

    CallFuture<T> future() {
        return future;
    }

    @Override
    void arrived(Frame arrived) {
        frame = arrived;
        try {
            executor.execute(this);
        } catch (Throwable e) {
            // The caller's executor was shut down, or throws. Its futures must end all the same, and so must the calls of
            // all other clients, for which this thread works, too.
            Callbacks.executor().execute(this);
        }
    }

    @Override
    public void run() {
        try {
            future.complete(decode(frame));
        } catch (Throwable e) {
            future.completeExceptionally(e);
        }
    }
}

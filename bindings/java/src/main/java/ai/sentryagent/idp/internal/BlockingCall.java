package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.ResponseInfo;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * A call whose caller waits. The wait is in Java, so an interrupt ends it; the answer is decoded on the caller's thread.
 *
 * @param <T> the answer's value
 */
final class BlockingCall<T> extends Call<T> {
    private final CompletableFuture<Frame> arrival = new CompletableFuture<>();

    BlockingCall(Codec<T> codec, Consumer<ResponseInfo> onResponse) {
        super(codec, onResponse);
    }

    @Override
    void arrived(Frame frame) {
        arrival.complete(frame);
    }

    /** Waits for the answer. An interrupt stops the call on the wire; the thread stays interrupted. */
    T await() {
        try {
            return decode(arrival.get());
        } catch (InterruptedException e) {
            abort();
            Thread.currentThread().interrupt();
            CancellationException cancelled = new CancellationException("the thread was interrupted while it waited");
            cancelled.initCause(e);
            throw cancelled;
        } catch (ExecutionException e) {
            // `arrival` is completed with frames only.
            throw new IllegalStateException(e);
        }
    }
}

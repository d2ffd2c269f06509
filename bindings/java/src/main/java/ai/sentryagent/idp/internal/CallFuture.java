package ai.sentryagent.idp.internal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The future of a call, and every future that depends on it. Whoever ends one of them from outside - cancels it, lets it
 * time out, completes it by hand - stops the call on the wire.
 *
 * <p>When the pump completes a call its id is already gone, so {@code abort} then does nothing.
 *
 * @param <T> the value
 */
final class CallFuture<T> extends CompletableFuture<T> {
    private final Executor executor;
    private final Runnable abort;

    CallFuture(Executor executor, Runnable abort) {
        this.executor = executor;
        this.abort = abort;
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CallFuture<>(executor, abort);
    }

    /** The JDK's default starts a thread per task on a machine with few processors. */
    @Override
    public Executor defaultExecutor() {
        return executor;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return ended(super.cancel(mayInterruptIfRunning));
    }

    @Override
    public boolean complete(T value) {
        return ended(super.complete(value));
    }

    @Override
    public boolean completeExceptionally(Throwable error) {
        return ended(super.completeExceptionally(error));
    }

    @Override
    public void obtrudeValue(T value) {
        super.obtrudeValue(value);
        abort.run();
    }

    @Override
    public void obtrudeException(Throwable error) {
        super.obtrudeException(error);
        abort.run();
    }

    @Override
    public CompletableFuture<T> completeAsync(Supplier<? extends T> supplier, Executor on) {
        on.execute(() -> {
            try {
                complete(supplier.get());
            } catch (Throwable e) {
                completeExceptionally(e);
            }
        });
        return this;
    }

    @Override
    public <U> CompletableFuture<U> thenCompose(Function<? super T, ? extends CompletionStage<U>> next) {
        Chain<T, U> chain = new Chain<>(next);
        return chain.link(super.thenCompose(chain));
    }

    @Override
    public <U> CompletableFuture<U> thenComposeAsync(Function<? super T, ? extends CompletionStage<U>> next) {
        return thenComposeAsync(next, executor);
    }

    @Override
    public <U> CompletableFuture<U> thenComposeAsync(
            Function<? super T, ? extends CompletionStage<U>> next, Executor on) {
        Chain<T, U> chain = new Chain<>(next);
        return chain.link(super.thenComposeAsync(chain, on));
    }

    private boolean ended(boolean byThisCall) {
        if (byThisCall) {
            abort.run();
        }
        return byThisCall;
    }

    /**
     * A second call that begins when a first one is complete: cancelling the composed future stops whichever of the two is
     * out. Both orders are possible - cancelled before the second call begins, and after.
     */
    private static final class Chain<T, U> implements Function<T, CompletionStage<U>> {
        private final Function<? super T, ? extends CompletionStage<U>> next;
        private CompletableFuture<U> whole;
        private CompletionStage<U> second;

        Chain(Function<? super T, ? extends CompletionStage<U>> next) {
            this.next = next;
        }

        @Override
        public CompletionStage<U> apply(T value) {
            CompletionStage<U> stage = next.apply(value);
            CompletableFuture<U> future;
            synchronized (this) {
                second = stage;
                future = whole;
            }
            if (future != null && future.isDone()) {
                stop(stage);
            }
            return stage;
        }

        CompletableFuture<U> link(CompletableFuture<U> future) {
            synchronized (this) {
                whole = future;
            }
            future.whenComplete((value, error) -> {
                CompletionStage<U> stage;
                synchronized (this) {
                    stage = second;
                }
                stop(stage);
            });
            return future;
        }

        private static void stop(CompletionStage<?> stage) {
            if (stage instanceof CallFuture<?> call && !call.isDone()) {
                call.cancel(false);
            }
        }
    }
}

package ai.sentryagent.idp.internal;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.TimeUnit;

/**
 * Where futures are completed when the client was given no executor.
 *
 * <p>A pool of our own: the JDK's default starts a thread per task on one or two processors. A fork-join pool because a
 * dependant that waits for another call of ours is compensated by another thread instead of deadlocking the pool: each
 * that waits holds one, so there may be as many as the JDK allows, and beyond them a wait ends with an error instead of
 * holding up every other call of the process. The threads are daemons and end when idle.
 */
final class Callbacks {
    /** The most that a fork-join pool takes. */
    private static final int THREADS_MAX = 0x7fff;
    private static final int KEEP_ALIVE_S = 10;

    private Callbacks() {}

    static Executor executor() {
        return Holder.POOL;
    }

    /** Made at the first use. */
    private static final class Holder {
        static final ForkJoinPool POOL = new ForkJoinPool(
                Math.max(2, Runtime.getRuntime().availableProcessors()),
                Worker::new,
                null,
                true,
                0,
                THREADS_MAX,
                1,
                null,
                KEEP_ALIVE_S,
                TimeUnit.SECONDS);
    }

    private static final class Worker extends ForkJoinWorkerThread {
        Worker(ForkJoinPool pool) {
            super(pool);
            setDaemon(true);
        }

        /** Here it has its number; in the constructor all have the same. */
        @Override
        protected void onStart() {
            super.onStart();
            setName("agentidp-callback-" + getPoolIndex());
        }
    }
}

package ai.sentryagent.idp.internal;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The calls that are out, and the one thread that brings their answers in.
 *
 * <p>The thread is a daemon, is started by the first call, and ends after a while without calls, so that neither a process
 * nor a class loader is kept alive. It never runs a caller's code: it removes the id, then lets the {@link Call} be woken.
 */
final class Pump implements Runnable {
    private static final int BATCH_ITEMS_MAX = 256;
    private static final int BATCH_BYTES_MAX = 4 << 20;
    private static final int WAIT_MS = 1000;
    private static final int IDLE_WAITS_MAX = 10;

    private static final ConcurrentHashMap<Long, Call<?>> CALLS = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT_ID = new AtomicLong(1);
    private static final AtomicReference<Pump> RUNNING = new AtomicReference<>();

    private Pump() {}

    /** Gives the call an id; from now on its answer will find it. */
    static long add(Call<?> call) {
        long id = NEXT_ID.getAndIncrement();
        CALLS.put(id, call);
        ensure();
        return id;
    }

    /** Starts the pump unless it runs. */
    static void ensure() {
        if (RUNNING.get() == null) {
            startOne();
        }
    }

    /** True for the one who took the call out: the pump because it is complete, or a caller who no longer wants it. */
    static boolean remove(long id) {
        return CALLS.remove(id) != null;
    }

    private static void startOne() {
        Pump pump = new Pump();
        if (RUNNING.compareAndSet(null, pump)) {
            Thread thread = new Thread(null, pump, "agentidp-pump", 0, false);
            thread.setDaemon(true);
            // Not the caller's: an application's loader must not be held by our thread.
            thread.setContextClassLoader(null);
            try {
                thread.start();
            } catch (Throwable e) {
                RUNNING.compareAndSet(pump, null);
                throw e;
            }
        }
    }

    @Override
    public void run() {
        try {
            pump();
        } catch (Throwable e) {
            // Out of memory, most likely. Whoever waits is told; the next call starts another pump.
            RUNNING.set(null);
            Frame lost = Frame.lost(e);
            CALLS.keySet().forEach(id -> complete(id, lost));
        }
    }

    private void pump() {
        int idle = 0;
        while (idle < IDLE_WAITS_MAX || !retire()) {
            byte[] batch = Native.drain(BATCH_ITEMS_MAX, BATCH_BYTES_MAX, WAIT_MS);
            NativeHandle.freeCollected();
            if (batch != null) {
                Frame.each(batch, Pump::complete);
                idle = 0;
            } else {
                idle = CALLS.isEmpty() ? idle + 1 : 0;
            }
            Logs.drain();
        }
    }

    /**
     * Steps down, and comes back if a call slipped in. {@link #add} first puts the call and then looks for a pump; here the
     * order is the other way round: one of the two sees the other.
     */
    private boolean retire() {
        RUNNING.set(null);
        return CALLS.isEmpty() || !RUNNING.compareAndSet(null, this);
    }

    private static void complete(long id, Frame frame) {
        Call<?> call = CALLS.remove(id);
        if (call != null) {
            call.arrived(frame);
        }
    }
}

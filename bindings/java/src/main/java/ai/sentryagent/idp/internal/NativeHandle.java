package ai.sentryagent.idp.internal;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;

/**
 * A number that stands for a native object; the object is freed once, by {@link #free} or when its owner was collected.
 *
 * <p>Not a Cleaner: that would start a thread before the first call. The pump, and whoever opens something, frees what was
 * collected.
 */
final class NativeHandle extends PhantomReference<Object> {
    private static final ReferenceQueue<Object> COLLECTED = new ReferenceQueue<>();
    private static final Set<NativeHandle> LIVE = ConcurrentHashMap.newKeySet();

    private final long number;
    private final LongConsumer release;
    private final AtomicBoolean freed = new AtomicBoolean();

    /** {@code release} must not hold the owner, or it would never be collected. */
    NativeHandle(Object owner, long number, LongConsumer release) {
        super(owner, COLLECTED);
        this.number = number;
        this.release = release;
        LIVE.add(this);
    }

    long number() {
        return number;
    }

    boolean isFreed() {
        return freed.get();
    }

    void free() {
        if (freed.compareAndSet(false, true)) {
            LIVE.remove(this);
            release.accept(number);
        }
    }

    /** Frees what belongs to owners that nobody holds any more. */
    static void freeCollected() {
        for (var dead = COLLECTED.poll(); dead != null; dead = COLLECTED.poll()) {
            ((NativeHandle) dead).free();
        }
    }
}

package ai.sentryagent.idp.internal;

import java.lang.ref.Reference;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.function.Function;

/** A clock in the native core that stands still until it is moved. */
public final class NativeClock {
    /** What is inside a {@code ManualClock}; set before the first of them exists. */
    private static volatile Function<Object, NativeClock> inside;

    private final NativeHandle handle;

    public NativeClock() {
        NativeHandle.freeCollected();
        handle = new NativeHandle(this, Native.clockNew(), Native::clockFree);
    }

    public void advance(double ms) {
        Native.clockAdvance(number(), ms);
        Reference.reachabilityFence(this);
    }

    public void jumpWall(double ms) {
        Native.clockJumpWall(number(), ms);
        Reference.reachabilityFence(this);
    }

    public void random(double value) {
        Native.clockRandom(number(), value);
        Reference.reachabilityFence(this);
    }

    public double wallMs() {
        double ms = Native.clockWall(number());
        Reference.reachabilityFence(this);
        return ms;
    }

    /** Blocks until somebody sleeps at most that long; empty when patience ends. */
    public OptionalDouble sleeping(double atMostMs, Duration patience) {
        double ms = Native.clockSleeping(number(), atMostMs, Arguments.wholeMs(patience));
        Reference.reachabilityFence(this);
        return Double.isNaN(ms) ? OptionalDouble.empty() : OptionalDouble.of(ms);
    }

    /** Lets the public clock's class hand over its inside without a public method for it. */
    public static void publish(Function<Object, NativeClock> how) {
        inside = how;
    }

    /** What is inside a {@code ManualClock}, which may be null. */
    public static NativeClock of(Object clock) {
        return clock == null ? null : inside.apply(clock);
    }

    /** The number; 0 for the system's clock. */
    static long number(NativeClock clock) {
        return clock == null ? 0 : clock.number();
    }

    private long number() {
        return handle.number();
    }
}

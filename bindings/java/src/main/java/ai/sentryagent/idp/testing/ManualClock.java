package ai.sentryagent.idp.testing;

import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.NativeClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A clock that stands still until a test moves it. It begins at the present. Safe for all threads.
 *
 * <pre>{@code
 * ManualClock clock = new ManualClock();
 * AgentIdPClient client = AgentIdPClient.builder().clock(clock).build();
 * clock.advance(Duration.ofMinutes(50)); // the token is renewed by the next call
 * }</pre>
 */
public final class ManualClock {
    static {
        NativeClock.publish(clock -> ((ManualClock) clock).inner);
    }

    private final NativeClock inner = new NativeClock();

    /** A clock that stands at the present. */
    public ManualClock() {}

    /**
     * Time passes; waits that end in it end.
     *
     * @param time how much; not negative
     * @throws ai.sentryagent.idp.ValidationException when it is null or negative
     */
    public void advance(Duration time) {
        inner.advance(Arguments.span("time", time));
    }

    /**
     * Somebody sets the wall clock. No time passes.
     *
     * @param by how far; negative to set it back
     * @throws ai.sentryagent.idp.ValidationException when it is null
     */
    public void jumpWall(Duration by) {
        inner.jumpWall(Arguments.ms(Arguments.given("by", by)));
    }

    /**
     * What chance gives from now on, where the SDK spreads its waits.
     *
     * @param value from 0 to 1; 0 until it is set
     * @throws ai.sentryagent.idp.ValidationException when it is another
     */
    public void setRandom(double value) {
        if (!(value >= 0 && value <= 1)) {
            throw Arguments.refused("value", "must be from 0 to 1");
        }
        inner.random(value);
    }

    /**
     * The time that the wall clock shows.
     *
     * @return the time, in whole milliseconds
     */
    public Instant now() {
        return Instant.ofEpochMilli(Math.round(inner.wallMs()));
    }

    /**
     * Waits until somebody in the SDK sleeps: a backoff, a deadline, a renewal. Then {@link #advance} by that much wakes it.
     *
     * @param atMost sleeps that are longer do not count
     * @param patience how long to wait for it, in real time
     * @return how long the shortest such sleep still takes; empty when patience ended
     */
    public Optional<Duration> awaitSleep(Duration atMost, Duration patience) {
        var sleeping = inner.sleeping(Arguments.span("atMost", atMost), Arguments.given("patience", patience));
        return sleeping.isPresent()
                ? Optional.of(Duration.ofNanos(Math.round(sleeping.getAsDouble() * 1e6)))
                : Optional.empty();
    }
}

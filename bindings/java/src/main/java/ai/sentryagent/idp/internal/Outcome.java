package ai.sentryagent.idp.internal;

import java.nio.ByteBuffer;

/** What a native function answers at once: byte 0 and a value, or byte 1 and an error record. */
final class Outcome {
    private Outcome() {}

    /** The number of a native object that was made. */
    static long number(byte[] outcome) {
        check(outcome);
        return ByteBuffer.wrap(outcome, 1, Long.BYTES).getLong();
    }

    static <T> T value(byte[] outcome, Codec<T> codec) {
        check(outcome);
        return codec.decode(outcome, 1, outcome.length - 1);
    }

    static void check(byte[] outcome) {
        if (outcome[0] != 0) {
            throw Errors.fromRecord(outcome, 1, outcome.length - 1, null);
        }
    }
}

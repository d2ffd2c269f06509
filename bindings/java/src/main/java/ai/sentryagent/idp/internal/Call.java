package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.ResponseInfo;
import java.util.function.Consumer;

/**
 * A call that is out: its id, and who is told when its answer arrives.
 *
 * @param <T> the answer's value
 */
abstract class Call<T> {
    private final Codec<T> codec;
    private final Consumer<ResponseInfo> onResponse;
    private volatile long id;

    Call(Codec<T> codec, Consumer<ResponseInfo> onResponse) {
        this.codec = codec;
        this.onResponse = onResponse;
    }

    /** On the pump's thread: must return at once and run no caller's code. */
    abstract void arrived(Frame frame);

    /** Registers the call and hands it to the native core. */
    final void start(Starter starter) {
        id = Pump.add(this);
        try {
            starter.start(id);
        } catch (Throwable e) {
            Pump.remove(id);
            throw e;
        }
    }

    /** Stops the call on the wire unless its answer is already here. */
    final void abort() {
        if (Pump.remove(id)) {
            Native.cancel(id);
        }
    }

    /** The answer's value, or its error thrown. Not on the pump's thread. */
    final T decode(Frame frame) {
        if (onResponse != null && !frame.isError()) {
            onResponse.accept(frame.info());
        }
        return frame.value(codec);
    }

    /** Starts the call of that id in the native core. */
    @FunctionalInterface
    interface Starter {
        void start(long id);
    }
}

package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.ResponseInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** One completion inside a drained batch; {@code frame.rs} says how it is laid out. Nothing is copied out of the batch. */
final class Frame {
    private static final byte ERROR = 1;

    private final byte[] batch;
    private final boolean error;
    private final int status;
    private final int retryCount;
    private final int head;
    private final int headLength;
    private final int body;
    private final int bodyLength;

    private final Throwable failure;

    private Frame(ByteBuffer in) {
        failure = null;
        batch = in.array();
        error = in.get() == ERROR;
        status = Short.toUnsignedInt(in.getShort());
        retryCount = in.getInt();
        headLength = in.getInt();
        head = in.position();
        in.position(head + headLength);
        bodyLength = in.getInt();
        body = in.position();
        in.position(body + bodyLength);
    }

    private Frame(Throwable failure) {
        this.failure = failure;
        batch = new byte[0];
        error = true;
        status = 0;
        retryCount = 0;
        head = 0;
        headLength = 0;
        body = 0;
        bodyLength = 0;
    }

    /** In place of an answer that can no longer come. */
    static Frame lost(Throwable failure) {
        return new Frame(failure);
    }

    /** Hands each frame of a batch, with its call's id, to {@code sink}. */
    static void each(byte[] batch, BiConsumer<Long, Frame> sink) {
        ByteBuffer in = ByteBuffer.wrap(batch);
        while (in.hasRemaining()) {
            long id = in.getLong();
            sink.accept(id, new Frame(in));
        }
    }

    /** The answer's value; null when the answer is empty. */
    <T> T value(Codec<T> codec) {
        if (failure != null) {
            throw new IllegalStateException("the answer was lost on its way from the native core", failure);
        }
        if (error) {
            throw Errors.fromRecord(batch, body, bodyLength, headLength == 0 ? null : info().headers());
        }
        return codec == null ? null : codec.decode(batch, body, bodyLength);
    }

    boolean isError() {
        return error;
    }

    /** What is known of the answer beside its body. */
    ResponseInfo info() {
        String[] lines = new String(batch, head, headLength, StandardCharsets.UTF_8).split("\n", -1);
        Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':', 1);
            headers.computeIfAbsent(lines[i].substring(0, colon), name -> new ArrayList<>(1))
                    .add(lines[i].substring(colon + 1));
        }
        return new ResponseInfo(status, headers, lines[0].isEmpty() ? null : lines[0], retryCount);
    }
}

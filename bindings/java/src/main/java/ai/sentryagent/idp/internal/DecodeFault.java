package ai.sentryagent.idp.internal;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;

/** JSON that is not the value it should be. Says where, never quotes what stands there: it may be a secret. */
public final class DecodeFault extends IOException {
    private static final long serialVersionUID = 1L;

    DecodeFault(String message, JsonParser in) {
        super(message + " at offset " + offset(in));
    }

    /** A model that lacks fields. */
    public DecodeFault(String message) {
        super(message);
    }

    private static long offset(JsonParser in) {
        var at = in.currentTokenLocation();
        return Math.max(at.getByteOffset(), at.getCharOffset());
    }
}

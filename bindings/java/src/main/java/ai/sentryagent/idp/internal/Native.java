package ai.sentryagent.idp.internal;

/** The functions of the native library. Only numbers and byte arrays cross. */
final class Native {
    static {
        NativeLibrary.load();
    }

    private Native() {}

    /** The names of the operations, one a line, in the order of their indices. */
    static native byte[] operations();

    /** Byte 0 and the client's number, or byte 1 and the error record. */
    static native byte[] clientNew(byte[] config);

    /** Forgets a client; calls that are out go on. */
    static native void clientFree(long client);

    /** Ends a client: later calls fail. */
    static native void clientClose(long client);

    /** The token, or null when there is none that may be handed out. */
    static native byte[] cachedToken(long client);

    static native void clearTokenCache(long client);

    /** JSON. */
    static native byte[] explainConfiguration(long client);

    /** Starts a call; its one completion, also of any fault, comes out of {@link #drain}. */
    static native void start(long client, long id, int operation, byte[] args);

    /** Starts the fetching of a token; the completion is a token answer. */
    static native void startToken(long client, long id);

    /** Stops a call on the wire; true when no completion will follow. */
    static native boolean cancel(long id);

    /** Blocks until something is complete; null when nothing was in time. */
    static native byte[] drain(int maxItems, int maxBytes, int timeoutMs);
}

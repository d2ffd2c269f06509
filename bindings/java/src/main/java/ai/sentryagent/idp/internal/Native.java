package ai.sentryagent.idp.internal;

/** The functions of the native library. Only numbers and byte arrays cross. */
final class Native {
    static {
        NativeLibrary.load();
    }

    private Native() {}

    /** The names of the operations, one a line, in the order of their indices. */
    static native byte[] operations();

    /** An {@link Outcome}: the client's number. Clock 0 is the system's. */
    static native byte[] clientNew(byte[] config, long clock);

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

    /** Blocks until something is complete or a log record is there; null when nothing is complete. */
    static native byte[] drain(int maxItems, int maxBytes, int timeoutMs);

    /** How many log records are made: 0 none, 1 errors, … 5 all. */
    static native void logLevel(int level);

    /** JSON; null when there is no record. */
    static native byte[] drainLogs(int maxRecords);

    /** A clock that stands still until it is moved. */
    static native long clockNew();

    static native void clockFree(long clock);

    static native void clockAdvance(long clock, double ms);

    static native void clockJumpWall(long clock, double ms);

    static native void clockRandom(long clock, double value);

    static native double clockWall(long clock);

    /** Blocks until somebody sleeps at most that long, and says how long; NaN when patience ends. */
    static native double clockSleeping(long clock, double atMostMs, long patienceMs);

    /** An {@link Outcome}: the verifier's number. Clock 0 is the system's; client 0: revocation is not asked for. */
    static native byte[] verifierNew(byte[] config, long clock, long client);

    static native void verifierFree(long verifier);

    /** An {@link Outcome}, or null when it needs the network. Scopes are one a line. */
    static native byte[] verifyNow(long verifier, byte[] token, byte[] scopes);

    static native void startVerify(long verifier, long id, byte[] token, byte[] scopes);

    /** An {@link Outcome} without a value. */
    static native byte[] verifyWebhook(byte[] payload, byte[] how);

    /** An {@link Outcome}: JSON. */
    static native byte[] verifyAuditEvents(byte[] events);
}

package ai.sentryagent.idp;

/** Too many requests (429); {@link #getRetryAfter} says how long to wait. */
public final class RateLimitException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public RateLimitException(ErrorRecord record) {
        super(record);
    }
}

package ai.sentryagent.idp;

/** The call's deadline passed, or the service gave up waiting (408). */
public final class ApiTimeoutException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public ApiTimeoutException(ErrorRecord record) {
        super(record);
    }
}

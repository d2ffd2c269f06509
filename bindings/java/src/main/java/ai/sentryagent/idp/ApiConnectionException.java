package ai.sentryagent.idp;

/** No answer came: the name, the network or TLS failed. */
public final class ApiConnectionException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public ApiConnectionException(ErrorRecord record) {
        super(record);
    }
}

package ai.sentryagent.idp;

/** The service failed (5xx); quote the request id when you ask for help. */
public final class ServerException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public ServerException(ErrorRecord record) {
        super(record);
    }
}

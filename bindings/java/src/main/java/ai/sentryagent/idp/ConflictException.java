package ai.sentryagent.idp;

/** The call does not fit the state of things (409): it exists already, is ended already, a limit is reached. */
public final class ConflictException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public ConflictException(ErrorRecord record) {
        super(record);
    }
}

package ai.sentryagent.idp;

/** The id is malformed, unknown or another organization's (404), or what it names is gone (410). */
public final class NotFoundException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public NotFoundException(ErrorRecord record) {
        super(record);
    }
}

package ai.sentryagent.idp;

/** The caller lacks a scope or a role, or its agent may not act (403). */
public final class PermissionDeniedException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public PermissionDeniedException(ErrorRecord record) {
        super(record);
    }
}

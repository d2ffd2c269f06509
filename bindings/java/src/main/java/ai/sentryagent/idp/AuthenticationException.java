package ai.sentryagent.idp;

/** The credentials or the token are not accepted (401). */
public final class AuthenticationException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public AuthenticationException(ErrorRecord record) {
        super(record);
    }
}

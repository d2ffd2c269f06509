package ai.sentryagent.idp;

/** An answer is not what the contract says: wrong content type, broken JSON, a missing field. */
public final class DecodingException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public DecodingException(ErrorRecord record) {
        super(record);
    }
}

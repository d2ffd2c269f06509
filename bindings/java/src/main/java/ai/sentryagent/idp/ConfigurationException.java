package ai.sentryagent.idp;

/** The client's settings are incomplete or not valid, or the client is closed ({@code CLIENT_CLOSED}). */
public final class ConfigurationException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public ConfigurationException(ErrorRecord record) {
        super(record);
    }
}

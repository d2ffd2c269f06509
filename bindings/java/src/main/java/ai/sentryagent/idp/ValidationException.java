package ai.sentryagent.idp;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The request breaks the contract (400, 413, 415, 422); {@link #getErrors} names every field that does. */
public final class ValidationException extends AgentIdPException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception of a record; {@link AgentIdPException#of} chooses the class.
     *
     * @param record what is known
     */
    public ValidationException(ErrorRecord record) {
        super(record);
    }

    /**
     * Every field that breaks the contract.
     *
     * @return the fields with the reasons; empty when the service named none
     */
    public List<FieldError> getErrors() {
        List<FieldError> out = new ArrayList<>();
        if (getDetails().get("errors") instanceof List<?> errors) {
            for (Object error : errors) {
                if (error instanceof Map<?, ?> map) {
                    out.add(new FieldError(String.valueOf(map.get("field")), String.valueOf(map.get("reason"))));
                }
            }
        } else if (getDetails().get("field") instanceof String field) {
            out.add(new FieldError(field, String.valueOf(getDetails().get("reason"))));
        }
        return Collections.unmodifiableList(out);
    }

    /**
     * One field that breaks the contract.
     *
     * @param field its name on the wire
     * @param reason why, for people
     */
    public record FieldError(String field, String reason) implements Serializable {}
}

package ai.sentryagent.idp;

import ai.sentryagent.idp.internal.Checks;
import ai.sentryagent.idp.models.AuditEvent;
import java.io.Serializable;
import java.util.Map;

/**
 * Checks audit events without the service: each carries a hash over itself and the event before it.
 *
 * <pre>{@code
 * AuditChain.Verification checked = AuditChain.verifyAuditEvents(events);
 * }</pre>
 */
public final class AuditChain {
    private AuditChain() {}

    /**
     * Checks a run of events.
     *
     * @param events events of one organization without a gap, in any order
     * @return whether the chain holds, and where it breaks
     * @throws ValidationException when the events are none that can be checked
     */
    public static Verification verifyAuditEvents(Iterable<AuditEvent> events) {
        return Checks.auditEvents(events, Verification::of);
    }

    /**
     * What a check found.
     *
     * @param verified whether every hash holds
     * @param checkedCount how many events were checked
     * @param brokenAtEventId the first event that does not hold; null when all do
     */
    public record Verification(boolean verified, long checkedCount, String brokenAtEventId) implements Serializable {
        private static Verification of(Map<String, Object> json) {
            return new Verification(
                    Boolean.TRUE.equals(json.get("verified")),
                    json.get("checkedCount") instanceof Number count ? count.longValue() : 0,
                    json.get("brokenAtEventId") instanceof String id ? id : null);
        }
    }
}

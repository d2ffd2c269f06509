-- Erasing the payloads of audit events: the one change that an event may undergo. What remains - its place, its hashes,
-- what happened and how it ended - still proves the chain.

-- Holds a row only inside the transaction that erases: without it the trigger lets nothing pass.
CREATE TABLE audit_erasing (
    one_row INTEGER PRIMARY KEY CHECK (one_row = 1)
);

DROP TRIGGER audit_events_refuse_update;
CREATE TRIGGER audit_events_refuse_update BEFORE UPDATE ON audit_events
WHEN NOT (
    EXISTS (SELECT 1 FROM audit_erasing)
    AND NEW.agent_id IS NULL AND NEW.ip_address = '' AND NEW.user_agent = '' AND NEW.metadata = '{}' AND NEW.salt = x''
    AND NEW.position IS OLD.position AND NEW.organization_id IS OLD.organization_id AND NEW.sequence IS OLD.sequence
    AND NEW.event_id IS OLD.event_id AND NEW.action IS OLD.action AND NEW.outcome IS OLD.outcome
    AND NEW.timestamp IS OLD.timestamp AND NEW.payload_hash IS OLD.payload_hash
    AND NEW.previous_hash IS OLD.previous_hash AND NEW.hash IS OLD.hash
)
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

-- Erasing the payloads of audit events: the one change that an event may undergo. What remains - its place, its hashes,
-- what happened and how it ended - still proves the chain.

-- Lets pass what `agentidp_erase_events` does, and nothing else: while it runs it says so.
CREATE FUNCTION agentidp_refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('agentidp.erasing', true) = 'on'
        AND NEW.agent_id IS NULL AND NEW.ip_address = '' AND NEW.user_agent = '' AND NEW.metadata = '{}' AND NEW.salt = ''
        AND (NEW.position, NEW.organization_id, NEW.sequence, NEW.event_id, NEW.action, NEW.outcome,
             NEW.timestamp, NEW.payload_hash, NEW.previous_hash, NEW.hash)
          = (OLD.position, OLD.organization_id, OLD.sequence, OLD.event_id, OLD.action, OLD.outcome,
             OLD.timestamp, OLD.payload_hash, OLD.previous_hash, OLD.hash)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'restrict_violation';
END;
$$;

DROP TRIGGER audit_events_refuse_update ON audit_events;
CREATE TRIGGER audit_events_refuse_update BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION agentidp_refuse_event_change();

-- Erases what one chain's events, from one sequence up to another, hold about an agent: those about it, and those of what
-- it did to others. It runs as the owner, because the server's role may not update events; the wall between tenants binds
-- it all the same. Only a decommissioned agent is erased. Answers how many events.
CREATE FUNCTION agentidp_erase_events(chain uuid, agent uuid, first_sequence bigint, last_sequence bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM agents WHERE agents.agent_id = agent AND agents.status = 'decommissioned') THEN
        RAISE EXCEPTION 'only a decommissioned agent is erased' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM set_config('agentidp.erasing', 'on', true);
    UPDATE audit_events
    SET agent_id = NULL, ip_address = '', user_agent = '', metadata = '{}', salt = ''
    WHERE organization_id = chain AND sequence BETWEEN first_sequence AND last_sequence AND salt <> ''
        AND (agent_id = agent OR metadata::jsonb ->> 'actorId' = agent::text);
    GET DIAGNOSTICS erased = ROW_COUNT;
    PERFORM set_config('agentidp.erasing', '', true);
    RETURN erased;
END;
$$;
REVOKE ALL ON FUNCTION agentidp_erase_events FROM PUBLIC;

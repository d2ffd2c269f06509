-- Migrations are append-only: what was released is never edited, the start checks it by its checksum.
-- Times are milliseconds since the Unix epoch; `position` orders rows by when they were added.
--
-- The wall between tenants: every table that holds what belongs to an organization has row-level security, forced, so
-- that it binds the owner too. A transaction says which organization it works for (`agentidp.organization`): one id, or
-- `*` for the server's own work across all of them. One that says nothing sees nothing.

CREATE FUNCTION agentidp_within(organization uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN current_setting('agentidp.organization', true) = '*'
    OR current_setting('agentidp.organization', true) = organization::text;

CREATE TABLE organizations (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL UNIQUE,
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    tier text NOT NULL CHECK (tier IN ('free', 'pro', 'enterprise')),
    is_system boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX organizations_one_system ON organizations (is_system) WHERE is_system;

CREATE TABLE agents (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id uuid NOT NULL UNIQUE,
    organization_id uuid NOT NULL REFERENCES organizations (organization_id),
    role text NOT NULL CHECK (role IN ('member', 'admin')),
    email text NOT NULL,
    email_key text NOT NULL,
    agent_type text NOT NULL,
    version text NOT NULL,
    capabilities text[] NOT NULL,
    owner text NOT NULL,
    deployment_env text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'decommissioned')),
    is_public boolean NOT NULL,
    did text,
    did_created_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE (organization_id, email_key)
);
CREATE INDEX agents_by_organization ON agents (organization_id, position);
CREATE INDEX agents_admins ON agents (organization_id) WHERE role = 'admin';

-- `generation` is that of `secret_hash`; a rotation with a grace period keeps the secret before it as `old_…`.
-- `ended_with_agent`: decommissioning the agent revoked it, nobody did so before.
CREATE TABLE credentials (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential_id uuid NOT NULL UNIQUE,
    agent_id uuid NOT NULL REFERENCES agents (agent_id),
    organization_id uuid NOT NULL REFERENCES organizations (organization_id),
    scopes text[],
    secret_hash text NOT NULL,
    generation bigint NOT NULL,
    old_secret_hash text,
    old_generation bigint,
    old_stops_at bigint,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    ended_with_agent boolean NOT NULL DEFAULT false,
    last_used_at bigint
);
CREATE INDEX credentials_by_agent ON credentials (agent_id, position);
CREATE INDEX credentials_in_grace ON credentials (old_stops_at) WHERE old_stops_at IS NOT NULL;

-- One row: counts the transactions that changed what authentication or a token depends on. A transaction that changes
-- anything locks it first, so changes are committed in the order of their revisions, and never wait for each other in a circle.
CREATE TABLE revision (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    value bigint NOT NULL
);
INSERT INTO revision (value) VALUES (0);

-- What tokens name, and at which revision it last changed. Tokens that name less than `generation` are dead; from
-- `pending_at` on, those that name less than `pending_generation`. Every instance follows all of it: ids and numbers, and
-- nothing that belongs to a tenant. The same holds for the revoked tokens.
CREATE TABLE dependencies (
    kind text NOT NULL CHECK (kind IN ('organization', 'agent', 'credential', 'delegation', 'signing_keys')),
    id uuid NOT NULL,
    generation bigint NOT NULL,
    pending_generation bigint,
    pending_at bigint,
    revision bigint NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX dependencies_by_revision ON dependencies (revision);
CREATE INDEX dependencies_raised ON dependencies (kind, id) WHERE generation > 0 OR pending_at IS NOT NULL;

CREATE TABLE revoked_tokens (
    jti text PRIMARY KEY,
    expires_at bigint NOT NULL,
    revision bigint NOT NULL
);
CREATE INDEX revoked_tokens_by_revision ON revoked_tokens (revision);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

CREATE TABLE signing_keys (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kid text NOT NULL UNIQUE,
    algorithm text NOT NULL,
    state text NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'revoked')),
    public_jwk text NOT NULL,
    private_encrypted bytea,
    created_at bigint NOT NULL,
    activated_at bigint,
    retired_at bigint,
    expires_at bigint,
    revoked_at bigint
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';

CREATE TABLE materials (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE idempotency (
    organization_id uuid NOT NULL,
    key bytea NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea,
    expires_at bigint NOT NULL,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- One chain per organization; `sequence` has no gaps. `metadata` is kept as it was hashed, byte for byte.
CREATE TABLE audit_events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (organization_id),
    sequence bigint NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    agent_id uuid,
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('success', 'failure')),
    ip_address text NOT NULL,
    user_agent text NOT NULL,
    metadata text NOT NULL,
    timestamp bigint NOT NULL,
    salt bytea NOT NULL,
    payload_hash bytea NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (organization_id, sequence)
);
CREATE INDEX audit_events_by_agent ON audit_events (organization_id, agent_id, sequence);

-- The end of each chain, kept apart: a log that lost its newest events does not match it.
CREATE TABLE audit_chains (
    organization_id uuid PRIMARY KEY REFERENCES organizations (organization_id),
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    timestamp bigint NOT NULL
);

CREATE FUNCTION agentidp_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER audit_events_refuse_update BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION agentidp_refuse('audit events are append-only');
CREATE TRIGGER audit_events_refuse_delete BEFORE DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION agentidp_refuse('audit events are append-only');
CREATE TRIGGER audit_events_refuse_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION agentidp_refuse('audit events are append-only');
CREATE TRIGGER audit_chains_refuse_shortening BEFORE UPDATE ON audit_chains
    FOR EACH ROW WHEN (NEW.sequence <= OLD.sequence) EXECUTE FUNCTION agentidp_refuse('audit chains only grow');
CREATE TRIGGER audit_chains_refuse_delete BEFORE DELETE ON audit_chains
    FOR EACH ROW EXECUTE FUNCTION agentidp_refuse('audit chains only grow');
CREATE TRIGGER audit_chains_refuse_truncate BEFORE TRUNCATE ON audit_chains
    FOR EACH STATEMENT EXECUTE FUNCTION agentidp_refuse('audit chains only grow');

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['organizations', 'agents', 'credentials', 'idempotency', 'audit_events', 'audit_chains'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (agentidp_within(organization_id)) WITH CHECK (agentidp_within(organization_id))',
            walled
        );
    END LOOP;
END;
$$;

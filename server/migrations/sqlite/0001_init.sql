-- Migrations are append-only: what was released is never edited, the start checks it by its checksum.
-- Ids are UUIDs as 16 bytes; times are milliseconds since the Unix epoch; `position` orders rows by when they were added.

CREATE TABLE organizations (
    position INTEGER PRIMARY KEY,
    organization_id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    tier TEXT NOT NULL CHECK (tier IN ('free', 'pro', 'enterprise')),
    is_system INTEGER NOT NULL CHECK (is_system IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX organizations_one_system ON organizations (is_system) WHERE is_system = 1;

CREATE TABLE agents (
    position INTEGER PRIMARY KEY,
    agent_id BLOB NOT NULL UNIQUE,
    organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
    role TEXT NOT NULL CHECK (role IN ('member', 'admin')),
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    agent_type TEXT NOT NULL,
    version TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    owner TEXT NOT NULL,
    deployment_env TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'decommissioned')),
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    did TEXT,
    did_created_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (organization_id, email_key)
);
CREATE INDEX agents_by_organization ON agents (organization_id, position);
CREATE INDEX agents_admins ON agents (organization_id) WHERE role = 'admin';

-- `generation` is that of `secret_hash`; a rotation with a grace period keeps the secret before it as `old_…`.
-- `ended_with_agent`: decommissioning the agent revoked it, nobody did so before.
CREATE TABLE credentials (
    position INTEGER PRIMARY KEY,
    credential_id BLOB NOT NULL UNIQUE,
    agent_id BLOB NOT NULL REFERENCES agents (agent_id),
    organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
    scopes TEXT,
    secret_hash TEXT NOT NULL,
    generation INTEGER NOT NULL,
    old_secret_hash TEXT,
    old_generation INTEGER,
    old_stops_at INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    ended_with_agent INTEGER NOT NULL DEFAULT 0 CHECK (ended_with_agent IN (0, 1)),
    last_used_at INTEGER
);
CREATE INDEX credentials_by_agent ON credentials (agent_id, position);
CREATE INDEX credentials_in_grace ON credentials (old_stops_at) WHERE old_stops_at IS NOT NULL;

-- One row: counts the transactions that changed what authentication or a token depends on.
CREATE TABLE revision (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    value INTEGER NOT NULL
);
INSERT INTO revision (only, value) VALUES (1, 0);

-- What tokens name, and at which revision it last changed. Tokens that name less than `generation` are dead; from
-- `pending_at` on, those that name less than `pending_generation`.
CREATE TABLE dependencies (
    kind TEXT NOT NULL CHECK (kind IN ('organization', 'agent', 'credential', 'delegation', 'signing_keys')),
    id BLOB NOT NULL,
    generation INTEGER NOT NULL,
    pending_generation INTEGER,
    pending_at INTEGER,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX dependencies_by_revision ON dependencies (revision);
CREATE INDEX dependencies_raised ON dependencies (kind, id) WHERE generation > 0 OR pending_at IS NOT NULL;

CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX revoked_tokens_by_revision ON revoked_tokens (revision);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

CREATE TABLE signing_keys (
    position INTEGER PRIMARY KEY,
    kid TEXT NOT NULL UNIQUE,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'revoked')),
    public_jwk TEXT NOT NULL,
    private_encrypted BLOB,
    created_at INTEGER NOT NULL,
    activated_at INTEGER,
    retired_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';

CREATE TABLE materials (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency (
    key BLOB NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    answer BLOB,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- One chain per organization; `sequence` has no gaps.
CREATE TABLE audit_events (
    position INTEGER PRIMARY KEY,
    organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
    sequence INTEGER NOT NULL,
    event_id BLOB NOT NULL UNIQUE,
    agent_id BLOB,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure')),
    ip_address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    metadata TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    salt BLOB NOT NULL,
    payload_hash BLOB NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (organization_id, sequence)
);
CREATE INDEX audit_events_by_agent ON audit_events (organization_id, agent_id, sequence);

CREATE TRIGGER audit_events_refuse_update BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;
CREATE TRIGGER audit_events_refuse_delete BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

-- The end of each chain, kept apart: a log that lost its newest events does not match it.
CREATE TABLE audit_chains (
    organization_id BLOB NOT NULL PRIMARY KEY REFERENCES organizations (organization_id),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    timestamp INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER audit_chains_refuse_shortening BEFORE UPDATE ON audit_chains WHEN NEW.sequence <= OLD.sequence
BEGIN
    SELECT RAISE(ABORT, 'audit chains only grow');
END;
CREATE TRIGGER audit_chains_refuse_delete BEFORE DELETE ON audit_chains
BEGIN
    SELECT RAISE(ABORT, 'audit chains only grow');
END;

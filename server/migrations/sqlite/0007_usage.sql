-- What organizations used, by UTC day (`day`: days since 1970-01-01). Instances count for themselves and add their counts.
CREATE TABLE usage_daily (
    organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
    day INTEGER NOT NULL,
    calls INTEGER NOT NULL CHECK (calls >= 0),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    PRIMARY KEY (organization_id, day)
) WITHOUT ROWID;

-- The last batch of counts that each process added: a batch that is repeated adds nothing.
CREATE TABLE usage_writers (
    writer BLOB PRIMARY KEY,
    batch INTEGER NOT NULL,
    written_at INTEGER NOT NULL
) WITHOUT ROWID;

-- How many agents an organization has is judged at each registration.
CREATE INDEX agents_living ON agents (organization_id) WHERE status <> 'decommissioned';

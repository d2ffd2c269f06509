-- What organizations used, by UTC day (`day`: days since 1970-01-01). Instances count for themselves and add their counts.
CREATE TABLE usage_daily (
    organization_id uuid NOT NULL REFERENCES organizations (organization_id),
    day bigint NOT NULL,
    calls bigint NOT NULL CHECK (calls >= 0),
    tokens bigint NOT NULL CHECK (tokens >= 0),
    PRIMARY KEY (organization_id, day)
);
ALTER TABLE usage_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_daily FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON usage_daily
    USING (agentidp_within(organization_id)) WITH CHECK (agentidp_within(organization_id));

-- The last batch of counts that each process added: a batch that is repeated adds nothing.
CREATE TABLE usage_writers (
    writer uuid PRIMARY KEY,
    batch bigint NOT NULL,
    written_at bigint NOT NULL
);

-- How many agents an organization has is judged at each registration.
CREATE INDEX agents_living ON agents (organization_id) WHERE status <> 'decommissioned';

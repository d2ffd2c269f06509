-- Jobs that run on one instance at a time: see `JobStore`. `fence` counts the turns. Ids and numbers, and nothing that
-- belongs to a tenant.
CREATE TABLE jobs (
    name text PRIMARY KEY,
    holder uuid,
    lease_until bigint,
    fence bigint NOT NULL,
    ran_at bigint,
    note bytea
);

CREATE INDEX credentials_by_expiry ON credentials (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

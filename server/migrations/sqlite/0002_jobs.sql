-- Jobs that run on one instance at a time: see `JobStore`. `fence` counts the turns.
CREATE TABLE jobs (
    name TEXT NOT NULL PRIMARY KEY,
    holder BLOB,
    lease_until INTEGER,
    fence INTEGER NOT NULL,
    ran_at INTEGER,
    note BLOB
) WITHOUT ROWID;

CREATE INDEX credentials_by_expiry ON credentials (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

-- A credential whose hash stands in Vault holds a reference to it (`vault$…`). Revoked ones that still do are what remains
-- to be deleted there: no row of its own can be lost between the revocation and the deletion.
CREATE INDEX credentials_left_in_vault ON credentials (position)
    WHERE revoked_at IS NOT NULL AND substr(secret_hash, 1, 6) = 'vault$';

-- When a key was last put among the published ones: it signs no earlier than twice the JWKS cache time after that. And
-- whether it came from JWT_PRIVATE_KEY: such keys are never replaced by the schedule.
ALTER TABLE signing_keys ADD COLUMN published_at bigint NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN imported boolean NOT NULL DEFAULT false;
UPDATE signing_keys SET published_at = created_at;

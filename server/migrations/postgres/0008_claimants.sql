-- Whose a claim is: a request that lost it to another one must not make its change. Answers that were kept before do not say it.
ALTER TABLE idempotency ADD COLUMN claimant uuid;

-- Whose a kept answer is: a copy to PostgreSQL, where rows stand behind the wall between tenants, needs to know.
-- Answers that were kept before do not say it; they go within a day.
ALTER TABLE idempotency ADD COLUMN organization_id BLOB;

//! Answers kept for a repeated key. A row without an answer is a claim; either goes at `expires_at`.

use async_trait::async_trait;

use super::{
    PostgresStorage,
    failure::{corrupt, failed},
    rows::get,
    transaction::Transaction,
};
use crate::{
    clock::Timestamp,
    storage::{Claim, IdempotencyStore, Reach, Slot, StorageError, StorageResult, writer::Command},
};

#[async_trait]
impl IdempotencyStore for PostgresStorage {
    async fn claim(
        &self,
        slot: Slot,
        fingerprint: [u8; 32],
        now: Timestamp,
        lease_until: Timestamp,
    ) -> StorageResult<Claim> {
        self.writer
            .change(ClaimKey {
                slot,
                fingerprint,
                now,
                lease_until,
            })
            .await
    }

    async fn complete(
        &self,
        slot: Slot,
        answer: &[u8],
        expires_at: Timestamp,
    ) -> StorageResult<()> {
        self.writer
            .change(Complete {
                slot,
                answer: answer.to_vec(),
                expires_at,
            })
            .await
    }

    async fn release(&self, slot: Slot) -> StorageResult<()> {
        self.writer.change(Release { slot }).await
    }

    async fn forget_expired(&self, now: Timestamp) -> StorageResult<u64> {
        self.writer.change(Forget { now }).await
    }
}

struct ClaimKey {
    slot: Slot,
    fingerprint: [u8; 32],
    now: Timestamp,
    lease_until: Timestamp,
}

impl Command<Transaction> for ClaimKey {
    type Output = Claim;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<Claim> {
        let row = sqlx::query(
            "SELECT fingerprint, answer FROM idempotency WHERE organization_id = $1 AND key = $2 AND expires_at > $3",
        )
        .bind(self.slot.organization)
        .bind(self.slot.key.to_vec())
        .bind(self.now.ms())
        .fetch_optional(transaction.within(Reach::Organization(self.slot.organization)).await?)
        .await
        .map_err(failed)?;
        if let Some(row) = row {
            let fingerprint = get::<&[u8]>(&row, "fingerprint")?
                .try_into()
                .map_err(|_| corrupt("fingerprint"))?;
            return Ok(match get::<Option<Vec<u8>>>(&row, "answer")? {
                None => Claim::InFlight { fingerprint },
                Some(answer) => Claim::Done {
                    fingerprint,
                    answer,
                },
            });
        }
        sqlx::query(
            "INSERT INTO idempotency (organization_id, key, fingerprint, answer, expires_at) VALUES ($1, $2, $3, NULL, $4)
             ON CONFLICT (organization_id, key) DO UPDATE
             SET fingerprint = excluded.fingerprint, answer = NULL, expires_at = excluded.expires_at",
        )
            .bind(self.slot.organization)
            .bind(self.slot.key.to_vec())
            .bind(self.fingerprint.to_vec())
            .bind(self.lease_until.ms())
            .execute(transaction.within(Reach::Organization(self.slot.organization)).await?)
            .await
            .map_err(failed)?;
        Ok(Claim::Claimed)
    }
}

struct Complete {
    slot: Slot,
    answer: Vec<u8>,
    expires_at: Timestamp,
}

impl Command<Transaction> for Complete {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let done = sqlx::query(
            "UPDATE idempotency SET answer = $1, expires_at = $2 WHERE organization_id = $3 AND key = $4 AND answer IS NULL",
        )
        .bind(self.answer.clone())
        .bind(self.expires_at.ms())
        .bind(self.slot.organization)
        .bind(self.slot.key.to_vec())
        .execute(transaction.within(Reach::Organization(self.slot.organization)).await?)
        .await
        .map_err(failed)?;
        if done.rows_affected() == 0 {
            Err(StorageError::NotFound)
        } else {
            Ok(())
        }
    }
}

struct Release {
    slot: Slot,
}

impl Command<Transaction> for Release {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        sqlx::query(
            "DELETE FROM idempotency WHERE organization_id = $1 AND key = $2 AND answer IS NULL",
        )
        .bind(self.slot.organization)
        .bind(self.slot.key.to_vec())
        .execute(
            transaction
                .within(Reach::Organization(self.slot.organization))
                .await?,
        )
        .await
        .map(drop)
        .map_err(failed)
    }
}

struct Forget {
    now: Timestamp,
}

impl Command<Transaction> for Forget {
    type Output = u64;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<u64> {
        sqlx::query("DELETE FROM idempotency WHERE expires_at <= $1")
            .bind(self.now.ms())
            .execute(transaction.within(Reach::Everywhere).await?)
            .await
            .map(|done| done.rows_affected())
            .map_err(failed)
    }
}

//! Answers kept for a repeated key. A row without an answer is a claim; either goes at `expires_at`.

use async_trait::async_trait;

use super::{
    SqliteStorage,
    failure::{corrupt, failed},
    rows::get,
    transaction::Transaction,
};
use crate::{
    clock::Timestamp,
    storage::{Claim, IdempotencyStore, Slot, StorageError, StorageResult, writer::Command},
};

#[async_trait]
impl IdempotencyStore for SqliteStorage {
    async fn claim(
        &self,
        slot: Slot,
        fingerprint: [u8; 32],
        now: Timestamp,
        lease_until: Timestamp,
    ) -> StorageResult<Claim> {
        self.writer
            .change(ClaimKey {
                key: slot.key,
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
                key: slot.key,
                answer: answer.to_vec(),
                expires_at,
            })
            .await
    }

    async fn release(&self, slot: Slot) -> StorageResult<()> {
        self.writer.change(Release { key: slot.key }).await
    }

    async fn forget_expired(&self, now: Timestamp) -> StorageResult<u64> {
        self.writer.change(Forget { now }).await
    }
}

struct ClaimKey {
    key: [u8; 32],
    fingerprint: [u8; 32],
    now: Timestamp,
    lease_until: Timestamp,
}

impl Command<Transaction> for ClaimKey {
    type Output = Claim;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<Claim> {
        let row = sqlx::query(
            "SELECT fingerprint, answer FROM idempotency WHERE key = ? AND expires_at > ?",
        )
        .bind(self.key.to_vec())
        .bind(self.now.ms())
        .fetch_optional(transaction.connection())
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
        sqlx::query("INSERT OR REPLACE INTO idempotency (key, fingerprint, answer, expires_at) VALUES (?, ?, NULL, ?)")
            .bind(self.key.to_vec())
            .bind(self.fingerprint.to_vec())
            .bind(self.lease_until.ms())
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
        Ok(Claim::Claimed)
    }
}

struct Complete {
    key: [u8; 32],
    answer: Vec<u8>,
    expires_at: Timestamp,
}

impl Command<Transaction> for Complete {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let done = sqlx::query(
            "UPDATE idempotency SET answer = ?, expires_at = ? WHERE key = ? AND answer IS NULL",
        )
        .bind(self.answer.clone())
        .bind(self.expires_at.ms())
        .bind(self.key.to_vec())
        .execute(transaction.connection())
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
    key: [u8; 32],
}

impl Command<Transaction> for Release {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        sqlx::query("DELETE FROM idempotency WHERE key = ? AND answer IS NULL")
            .bind(self.key.to_vec())
            .execute(transaction.connection())
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
        sqlx::query("DELETE FROM idempotency WHERE expires_at <= ?")
            .bind(self.now.ms())
            .execute(transaction.connection())
            .await
            .map(|done| done.rows_affected())
            .map_err(failed)
    }
}

//! Answers kept for a repeated key. A row without an answer is a claim, one with an empty answer a claim whose change was made; either goes at `expires_at`.

use async_trait::async_trait;

use super::{
    SqliteStorage,
    failure::{corrupt, failed},
    rows::{bytes, get},
    transaction::Transaction,
};
use crate::{
    clock::Timestamp,
    storage::{
        Claim, IdempotencyStore, Slot, StorageError, StorageResult, idempotency::Noted,
        writer::Command,
    },
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
                slot,
                fingerprint,
                now,
                lease_until,
            })
            .await
    }

    async fn renew(&self, slot: Slot, lease_until: Timestamp) -> StorageResult<bool> {
        self.writer.change(Renew { slot, lease_until }).await
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
            "SELECT fingerprint, answer FROM idempotency WHERE key = ? AND expires_at > ?",
        )
        .bind(self.slot.key.to_vec())
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
                Some(answer) if answer.is_empty() => Claim::Made { fingerprint },
                Some(answer) => Claim::Done {
                    fingerprint,
                    answer,
                },
            });
        }
        sqlx::query("INSERT OR REPLACE INTO idempotency (organization_id, key, fingerprint, claimant, answer, expires_at) VALUES (?, ?, ?, ?, NULL, ?)")
            .bind(bytes(self.slot.organization))
            .bind(self.slot.key.to_vec())
            .bind(self.fingerprint.to_vec())
            .bind(bytes(self.slot.claimant))
            .bind(self.lease_until.ms())
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
        Ok(Claim::Claimed)
    }
}

/// Writes the answer at a claim that has none, an empty one when only that its change was made is known.
pub(super) async fn note(
    transaction: &mut Transaction,
    slot: Slot,
    answer: &[u8],
    until: Timestamp,
) -> StorageResult<Noted> {
    let done = sqlx::query(
        "UPDATE idempotency SET answer = ?, expires_at = ?
         WHERE key = ? AND claimant = ? AND (answer IS NULL OR answer = x'')",
    )
    .bind(answer.to_vec())
    .bind(until.ms())
    .bind(slot.key.to_vec())
    .bind(bytes(slot.claimant))
    .execute(transaction.connection())
    .await
    .map_err(failed)?;
    if done.rows_affected() > 0 {
        return Ok(Noted::Now);
    }
    let answered: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM idempotency WHERE key = ? AND claimant = ?)",
    )
    .bind(slot.key.to_vec())
    .bind(bytes(slot.claimant))
    .fetch_one(transaction.connection())
    .await
    .map_err(failed)?;
    Ok(if answered { Noted::Before } else { Noted::Lost })
}

struct Renew {
    slot: Slot,
    lease_until: Timestamp,
}

impl Command<Transaction> for Renew {
    type Output = bool;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<bool> {
        sqlx::query(
            "UPDATE idempotency SET expires_at = ? WHERE key = ? AND claimant = ? AND answer IS NULL",
        )
        .bind(self.lease_until.ms())
        .bind(self.slot.key.to_vec())
        .bind(bytes(self.slot.claimant))
        .execute(transaction.connection())
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(failed)
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
        match note(transaction, self.slot, &self.answer, self.expires_at).await? {
            Noted::Now => Ok(()),
            Noted::Before | Noted::Lost => Err(StorageError::NotFound),
        }
    }
}

struct Release {
    slot: Slot,
}

impl Command<Transaction> for Release {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        sqlx::query("DELETE FROM idempotency WHERE key = ? AND claimant = ? AND answer IS NULL")
            .bind(self.slot.key.to_vec())
            .bind(bytes(self.slot.claimant))
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

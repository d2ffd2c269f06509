//! Answers kept for a repeated key. A row without an answer is a claim, one with an empty answer a claim whose change was made; either goes at `expires_at`.

use async_trait::async_trait;

use super::{
    PostgresStorage,
    failure::{corrupt, failed},
    rows::get,
    transaction::Transaction,
};
use crate::{
    clock::Timestamp,
    storage::{
        Claim, IdempotencyStore, Reach, Slot, StorageError, StorageResult, idempotency::Noted,
        writer::Command,
    },
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
                Some(answer) if answer.is_empty() => Claim::Made { fingerprint },
                Some(answer) => Claim::Done {
                    fingerprint,
                    answer,
                },
            });
        }
        sqlx::query(
            "INSERT INTO idempotency (organization_id, key, fingerprint, claimant, answer, expires_at)
             VALUES ($1, $2, $3, $4, NULL, $5)
             ON CONFLICT (organization_id, key) DO UPDATE
             SET fingerprint = excluded.fingerprint, claimant = excluded.claimant, answer = NULL, expires_at = excluded.expires_at",
        )
            .bind(self.slot.organization)
            .bind(self.slot.key.to_vec())
            .bind(self.fingerprint.to_vec())
            .bind(self.slot.claimant)
            .bind(self.lease_until.ms())
            .execute(transaction.within(Reach::Organization(self.slot.organization)).await?)
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
    let connection = transaction
        .within(Reach::Organization(slot.organization))
        .await?;
    let done = sqlx::query(
        "UPDATE idempotency SET answer = $1, expires_at = $2 WHERE organization_id = $3 AND key = $4 AND claimant = $5
         AND (answer IS NULL OR answer = ''::bytea)",
    )
    .bind(answer.to_vec())
    .bind(until.ms())
    .bind(slot.organization)
    .bind(slot.key.to_vec())
    .bind(slot.claimant)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if done.rows_affected() > 0 {
        return Ok(Noted::Now);
    }
    let answered: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM idempotency WHERE organization_id = $1 AND key = $2 AND claimant = $3)",
    )
    .bind(slot.organization)
    .bind(slot.key.to_vec())
    .bind(slot.claimant)
    .fetch_one(connection)
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
        let reach = Reach::Organization(self.slot.organization);
        sqlx::query(
            "UPDATE idempotency SET expires_at = $1
             WHERE organization_id = $2 AND key = $3 AND claimant = $4 AND answer IS NULL",
        )
        .bind(self.lease_until.ms())
        .bind(self.slot.organization)
        .bind(self.slot.key.to_vec())
        .bind(self.slot.claimant)
        .execute(transaction.within(reach).await?)
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
        sqlx::query(
            "DELETE FROM idempotency WHERE organization_id = $1 AND key = $2 AND claimant = $3 AND answer IS NULL",
        )
        .bind(self.slot.organization)
        .bind(self.slot.key.to_vec())
        .bind(self.slot.claimant)
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

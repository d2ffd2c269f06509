//! Usage by day. A process and the number of its last batch are kept, so that a repeated batch adds nothing.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{
    SqliteStorage,
    failure::failed,
    rows::{bytes, get},
    transaction::Transaction,
};
use crate::storage::{
    Day, StorageResult, Usage, UsageBatch, UsageOf, UsageStore, usage::WRITER_KEPT_FOR,
    writer::Command,
};

#[async_trait]
impl UsageStore for SqliteStorage {
    async fn get(&self, organization: Uuid, day: Day) -> StorageResult<Usage> {
        let row = sqlx::query(
            "SELECT calls, tokens FROM usage_daily WHERE organization_id = ? AND day = ?",
        )
        .bind(bytes(organization))
        .bind(day)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        row.map_or_else(|| Ok(Usage::default()), |row| usage(&row))
    }

    async fn add(&self, batch: UsageBatch) -> StorageResult<Vec<UsageOf>> {
        self.writer.change(Add { batch }).await
    }
}

struct Add {
    batch: UsageBatch,
}

impl Command<Transaction> for Add {
    type Output = Vec<UsageOf>;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<Vec<UsageOf>> {
        // Added once; read in any case.
        let weight = i64::from(self.is_new(transaction).await?);
        let mut sums = Vec::with_capacity(self.batch.added.len());
        for added in &self.batch.added {
            sqlx::query(
                "INSERT INTO usage_daily (organization_id, day, calls, tokens) VALUES (?1, ?2, 0, 0)
                 ON CONFLICT (organization_id, day) DO NOTHING",
            )
            .bind(bytes(added.organization))
            .bind(added.day)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
            let row = sqlx::query(
                "UPDATE usage_daily SET calls = calls + ?3, tokens = tokens + ?4
                 WHERE organization_id = ?1 AND day = ?2
                 RETURNING calls, tokens",
            )
            .bind(bytes(added.organization))
            .bind(added.day)
            .bind(added.usage.calls * weight)
            .bind(added.usage.tokens * weight)
            .fetch_one(transaction.connection())
            .await
            .map_err(failed)?;
            sums.push(UsageOf {
                usage: usage(&row)?,
                ..*added
            });
        }
        Ok(sums)
    }
}

impl Add {
    /// Whether this batch was not written before; from now on it was.
    async fn is_new(&self, transaction: &mut Transaction) -> StorageResult<bool> {
        let batch = &self.batch;
        let noted = sqlx::query(
            "INSERT INTO usage_writers (writer, batch, written_at) VALUES (?, ?, ?)
             ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, written_at = excluded.written_at
             WHERE batch < excluded.batch",
        )
        .bind(bytes(batch.writer))
        .bind(batch.number)
        .bind(batch.at.ms())
        .execute(transaction.connection())
        .await
        .map_err(failed)?;
        if batch.number == 1 {
            sqlx::query("DELETE FROM usage_writers WHERE written_at < ?")
                .bind(batch.at.minus(WRITER_KEPT_FOR).ms())
                .execute(transaction.connection())
                .await
                .map_err(failed)?;
        }
        Ok(noted.rows_affected() > 0)
    }
}

fn usage(row: &SqliteRow) -> StorageResult<Usage> {
    Ok(Usage {
        calls: get(row, "calls")?,
        tokens: get(row, "tokens")?,
    })
}

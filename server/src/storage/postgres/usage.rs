//! Usage by day. A process and the number of its last batch are kept, so that a repeated batch adds nothing.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{
    PostgresStorage,
    failure::failed,
    rows::{get, uuid},
    transaction::Transaction,
};
use crate::storage::{
    Day, Reach, StorageResult, Usage, UsageBatch, UsageOf, UsageStore, usage::WRITER_KEPT_FOR,
    writer::Command,
};

#[async_trait]
impl UsageStore for PostgresStorage {
    async fn get(&self, organization: Uuid, day: Day) -> StorageResult<Usage> {
        let mut look = self.look(Reach::Organization(organization)).await?;
        let row = sqlx::query(
            "SELECT calls, tokens FROM usage_daily WHERE organization_id = $1 AND day = $2",
        )
        .bind(organization)
        .bind(day)
        .fetch_optional(&mut *look)
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
        let batch = &self.batch;
        // Added once; read in any case.
        let weight = i64::from(self.is_new(transaction).await?);
        let of = |part: fn(&Usage) -> i64| -> Vec<i64> {
            let parts = batch.added.iter().map(|added| part(&added.usage));
            parts.map(|count| count * weight).collect()
        };
        let organizations: Vec<Uuid> = batch.added.iter().map(|it| it.organization).collect();
        let days: Vec<Day> = batch.added.iter().map(|it| it.day).collect();
        let connection = transaction.within(Reach::Everywhere).await?;
        sqlx::query(
            "INSERT INTO usage_daily (organization_id, day, calls, tokens)
             SELECT organization_id, day, 0, 0 FROM unnest($1::uuid[], $2::bigint[]) AS of (organization_id, day)
             ON CONFLICT (organization_id, day) DO NOTHING",
        )
        .bind(&organizations)
        .bind(&days)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
        let rows = sqlx::query(
            "UPDATE usage_daily SET calls = usage_daily.calls + added.calls, tokens = usage_daily.tokens + added.tokens
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS added (organization_id, day, calls, tokens)
             WHERE usage_daily.organization_id = added.organization_id AND usage_daily.day = added.day
             RETURNING usage_daily.*",
        )
        .bind(&organizations)
        .bind(&days)
        .bind(of(|usage| usage.calls))
        .bind(of(|usage| usage.tokens))
        .fetch_all(connection)
        .await
        .map_err(failed)?;
        rows.iter().map(usage_of).collect()
    }
}

impl Add {
    /// Whether this batch was not written before; from now on it was.
    async fn is_new(&self, transaction: &mut Transaction) -> StorageResult<bool> {
        let batch = &self.batch;
        let noted = sqlx::query(
            "INSERT INTO usage_writers (writer, batch, written_at) VALUES ($1, $2, $3)
             ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, written_at = excluded.written_at
             WHERE usage_writers.batch < excluded.batch",
        )
        .bind(batch.writer)
        .bind(batch.number)
        .bind(batch.at.ms())
        .execute(transaction.connection()?)
        .await
        .map_err(failed)?;
        if batch.number == 1 {
            sqlx::query("DELETE FROM usage_writers WHERE written_at < $1")
                .bind(batch.at.minus(WRITER_KEPT_FOR).ms())
                .execute(transaction.connection()?)
                .await
                .map_err(failed)?;
        }
        Ok(noted.rows_affected() > 0)
    }
}

fn usage(row: &PgRow) -> StorageResult<Usage> {
    Ok(Usage {
        calls: get(row, "calls")?,
        tokens: get(row, "tokens")?,
    })
}

fn usage_of(row: &PgRow) -> StorageResult<UsageOf> {
    Ok(UsageOf {
        organization: uuid(row, "organization_id")?,
        day: get(row, "day")?,
        usage: usage(row)?,
    })
}

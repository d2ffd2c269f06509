//! Jobs and their turns.

use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::{
    PostgresStorage,
    failure::failed,
    rows::{get, optional_time},
    transaction::Transaction,
};
use crate::{
    clock::Timestamp,
    storage::{JobRecord, JobStore, StorageError, StorageResult, TakeTurn, Turn, writer::Command},
};

#[async_trait]
impl JobStore for PostgresStorage {
    async fn get(&self, job: &'static str) -> StorageResult<Option<JobRecord>> {
        sqlx::query("SELECT * FROM jobs WHERE name = $1")
            .bind(job)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?
            .map(|row| record(&row))
            .transpose()
    }

    async fn take(&self, take: TakeTurn) -> StorageResult<Turn> {
        self.writer.change(Take(take)).await
    }

    async fn keep(
        &self,
        turn: &Turn,
        lease_until: Timestamp,
        note: Option<Vec<u8>>,
    ) -> StorageResult<()> {
        let turn = turn.clone();
        self.writer
            .change(Keep {
                turn,
                lease_until,
                note,
            })
            .await
    }

    async fn finish(
        &self,
        turn: &Turn,
        ran_at: Option<Timestamp>,
        note: Option<Vec<u8>>,
    ) -> StorageResult<()> {
        let turn = turn.clone();
        self.writer.change(Finish { turn, ran_at, note }).await
    }
}

fn record(row: &PgRow) -> StorageResult<JobRecord> {
    Ok(JobRecord {
        name: get(row, "name")?,
        holder: get(row, "holder")?,
        lease_until: optional_time(row, "lease_until")?,
        fence: get(row, "fence")?,
        ran_at: optional_time(row, "ran_at")?,
        note: get(row, "note")?,
    })
}

struct Take(TakeTurn);

impl Command<Transaction> for Take {
    type Output = Turn;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<Turn> {
        let take = self.0;
        let fence: Option<i64> = sqlx::query_scalar(
            "INSERT INTO jobs (name, holder, lease_until, fence) VALUES ($1, $2, $3, 1)
             ON CONFLICT (name) DO UPDATE
             SET holder = excluded.holder, lease_until = excluded.lease_until, fence = jobs.fence + 1
             WHERE jobs.fence = $4 AND (jobs.holder IS NULL OR jobs.lease_until <= $5 OR jobs.lease_until > $6)
             RETURNING jobs.fence",
        )
        .bind(take.job)
        .bind(take.holder)
        .bind(take.lease_until.ms())
        .bind(take.known_fence)
        .bind(take.now.ms())
        .bind(take.lease_max.ms())
        .fetch_optional(transaction.connection()?)
        .await
        .map_err(failed)?;
        fence
            .map(|fence| Turn {
                job: take.job,
                fence,
            })
            .ok_or(StorageError::Conflict)
    }
}

struct Keep {
    turn: Turn,
    lease_until: Timestamp,
    note: Option<Vec<u8>>,
}

impl Command<Transaction> for Keep {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let done = sqlx::query(
            "UPDATE jobs SET lease_until = $1, note = coalesce($2, note)
             WHERE name = $3 AND fence = $4 AND holder IS NOT NULL",
        )
        .bind(self.lease_until.ms())
        .bind(self.note.clone())
        .bind(self.turn.job)
        .bind(self.turn.fence)
        .execute(transaction.connection()?)
        .await
        .map_err(failed)?;
        ours(done.rows_affected())
    }
}

struct Finish {
    turn: Turn,
    ran_at: Option<Timestamp>,
    note: Option<Vec<u8>>,
}

impl Command<Transaction> for Finish {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let done = sqlx::query(
            "UPDATE jobs SET holder = NULL, lease_until = NULL, ran_at = coalesce($1, ran_at), note = coalesce($2, note)
             WHERE name = $3 AND fence = $4 AND holder IS NOT NULL",
        )
        .bind(self.ran_at.map(|at| at.ms()))
        .bind(self.note.clone())
        .bind(self.turn.job)
        .bind(self.turn.fence)
        .execute(transaction.connection()?)
        .await
        .map_err(failed)?;
        ours(done.rows_affected())
    }
}

fn ours(rows: u64) -> StorageResult<()> {
    if rows == 0 {
        Err(StorageError::Conflict)
    } else {
        Ok(())
    }
}

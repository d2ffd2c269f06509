//! The writer's transaction: a connection of its own, made anew when it is lost, and what is staged beside it.

use std::{sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, timeout};

use super::{
    chain,
    failure::failed,
    idempotency,
    open::{ALIVE_FOR, alive},
    wall,
};
use crate::{
    clock::{Clock, Timestamp},
    storage::{
        Reach, Revision, Slot, StorageError, StorageResult,
        idempotency::Noted,
        writer::{Staged, UnitOfWork},
    },
};

/// How long a whole transaction may take before its connection counts as lost.
const TRANSACTION_TIME_MAX: Duration = Duration::from_secs(20);

/// The writer's transaction. There is one for the whole life of the writer; it begins and ends many times.
pub(super) struct Transaction {
    options: PgConnectOptions,
    connect_time_max: Duration,
    connection: Option<PgConnection>,
    /// When the database last answered over it.
    answered_at: Instant,
    /// What the present transaction said it works for.
    within: Option<Reach>,
    clock: Arc<dyn Clock>,
    staged: Staged,
}

impl Transaction {
    /// Not connected yet.
    pub fn new(
        options: PgConnectOptions,
        connect_time_max: Duration,
        clock: Arc<dyn Clock>,
        staged: Staged,
    ) -> Self {
        Self {
            options,
            connect_time_max,
            connection: None,
            answered_at: Instant::now(),
            within: None,
            clock,
            staged,
        }
    }

    /// Where statements run that see what lies within this reach.
    pub async fn within(&mut self, reach: Reach) -> StorageResult<&mut PgConnection> {
        if self.within != Some(reach) {
            self.execute(wall::statement(reach)).await?;
            self.within = Some(reach);
        }
        self.connection()
    }

    /// This transaction's revision, taken at the first change that needs one.
    pub async fn revision(&mut self) -> StorageResult<Revision> {
        if let Some(revision) = self.staged.revision() {
            return Ok(revision);
        }
        let revision: Revision =
            sqlx::query_scalar("UPDATE revision SET value = value + 1 RETURNING value")
                .fetch_one(self.connection()?)
                .await
                .map_err(failed)?;
        self.staged.took(revision);
        Ok(revision)
    }

    /// Where statements run that touch no tenant's table.
    pub fn connection(&mut self) -> StorageResult<&mut PgConnection> {
        self.connection
            .as_mut()
            .ok_or_else(|| StorageError::Unavailable("not connected to the database".to_owned()))
    }

    async fn execute(&mut self, statement: String) -> StorageResult<()> {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(self.connection()?)
            .await
            .map(drop)
            .map_err(failed)
    }

    /// A connection that rested is asked whether it lives: one that fell silent would hold up everybody who writes for as
    /// long as a transaction may take.
    async fn connect(&mut self) -> StorageResult<()> {
        if let Some(connection) = &mut self.connection {
            if self.answered_at.elapsed() < ALIVE_FOR || alive(connection).await.is_ok() {
                return Ok(());
            }
            self.connection = None;
        }
        let made = timeout(self.connect_time_max, self.options.connect())
            .await
            .map_err(|_| StorageError::Unavailable("the database does not answer".to_owned()))?;
        self.connection = Some(made.map_err(failed)?);
        Ok(())
    }
}

impl UnitOfWork for Transaction {
    fn staged(&mut self) -> &mut Staged {
        &mut self.staged
    }

    fn time_max(&self) -> Option<Duration> {
        Some(TRANSACTION_TIME_MAX)
    }

    /// Changes are made one after the other, by all instances together: see the table `revision`.
    async fn begin(&mut self, holds_changes: bool) -> StorageResult<()> {
        self.within = None;
        self.connect().await?;
        let begin = if holds_changes {
            "BEGIN; SELECT value FROM revision FOR UPDATE"
        } else {
            "BEGIN"
        };
        self.execute(begin.to_owned()).await
    }

    async fn finish(&mut self) -> StorageResult<()> {
        let now = self.clock.now();
        if !self.staged.events().is_empty() {
            let events = self.staged.events().to_vec();
            let connection = self.within(Reach::Everywhere).await?;
            chain::append(connection, &events, now).await?;
        }
        self.execute("COMMIT".to_owned()).await?;
        self.answered_at = Instant::now();
        Ok(())
    }

    /// Whatever state the connection is in, the next transaction has a new one.
    async fn abandon(&mut self) {
        self.connection = None;
        self.within = None;
    }

    async fn save(&mut self) -> StorageResult<()> {
        self.execute("SAVEPOINT change".to_owned()).await
    }

    async fn release(&mut self) -> StorageResult<()> {
        self.execute("RELEASE change".to_owned()).await
    }

    async fn roll_back(&mut self) -> StorageResult<()> {
        // A setting that was made since the savepoint goes with it.
        self.within = None;
        self.execute("ROLLBACK TO change; RELEASE change".to_owned())
            .await
    }

    async fn note(&mut self, slot: Slot, answer: &[u8], until: Timestamp) -> StorageResult<Noted> {
        idempotency::note(self, slot, answer, until).await
    }

    async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database did not close cleanly; nothing is lost");
        }
    }
}

//! The writer's transaction: the connection, and what is staged beside it.

use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};

use super::{chain, failure::failed, idempotency};
use crate::{
    clock::{Clock, Timestamp},
    storage::{
        Revision, Slot, StorageError, StorageResult,
        idempotency::Noted,
        writer::{Staged, UnitOfWork},
    },
};

/// The writer's transaction. There is one for the whole life of the writer; it begins and ends many times.
pub(super) struct Transaction {
    connection: SqliteConnection,
    clock: Arc<dyn Clock>,
    staged: Staged,
}

impl Transaction {
    /// On a connection of its own.
    pub fn new(connection: SqliteConnection, clock: Arc<dyn Clock>, staged: Staged) -> Self {
        Self {
            connection,
            clock,
            staged,
        }
    }

    /// Where statements run.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// This transaction's revision, taken at the first change that needs one.
    pub async fn revision(&mut self) -> StorageResult<Revision> {
        if let Some(revision) = self.staged.revision() {
            return Ok(revision);
        }
        let revision: Revision =
            sqlx::query_scalar("UPDATE revision SET value = value + 1 RETURNING value")
                .fetch_one(&mut self.connection)
                .await
                .map_err(failed)?;
        self.staged.took(revision);
        Ok(revision)
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), StorageError> {
        sqlx::query(statement)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(failed)
    }
}

impl UnitOfWork for Transaction {
    fn staged(&mut self) -> &mut Staged {
        &mut self.staged
    }

    /// Takes the write lock at once: a lock taken later could only fail.
    async fn begin(&mut self, _holds_changes: bool) -> StorageResult<()> {
        self.execute("BEGIN IMMEDIATE").await
    }

    async fn finish(&mut self) -> StorageResult<()> {
        let now = self.clock.now();
        chain::append(&mut self.connection, self.staged.events(), now).await?;
        self.execute("COMMIT").await
    }

    async fn abandon(&mut self) {
        // It fails when the failure that led here has ended the transaction already.
        let _ = self.execute("ROLLBACK").await;
    }

    async fn save(&mut self) -> StorageResult<()> {
        self.execute("SAVEPOINT change").await
    }

    async fn release(&mut self) -> StorageResult<()> {
        self.execute("RELEASE change").await
    }

    async fn roll_back(&mut self) -> StorageResult<()> {
        self.execute("ROLLBACK TO change").await?;
        self.execute("RELEASE change").await
    }

    async fn note(&mut self, slot: Slot, answer: &[u8], until: Timestamp) -> StorageResult<Noted> {
        idempotency::note(self, slot, answer, until).await
    }

    async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly; nothing is lost");
        }
    }
}

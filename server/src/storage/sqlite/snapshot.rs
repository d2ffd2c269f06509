//! Whole files: a consistent copy of a database that is in use, and looking at a file without changing it.

use std::{path::Path, sync::Arc};

use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    SqliteStorage,
    failure::{corrupt, failed},
    open::BUSY_TIMEOUT,
    transaction::Transaction,
};
use crate::{
    audit::SystemRandomness,
    clock::Clock,
    storage::{
        StorageError, StorageResult,
        writer::{ObserverSlot, Staged, Writer},
    },
};

impl SqliteStorage {
    /// Writes all that is committed at one moment into `target`, an empty file. Whoever reads or writes the database
    /// meanwhile is not disturbed.
    ///
    /// # Errors
    /// When one of the files cannot be used.
    pub async fn snapshot(source: &Path, target: &Path) -> StorageResult<()> {
        let options = SqliteConnectOptions::new()
            .filename(source)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        sqlx::query("VACUUM INTO ?")
            .bind(target.display().to_string())
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        connection.close().await.map_err(failed)
    }

    /// Opens a file that nobody writes, whatever its schema's version, to read the audit log in it: nothing beside it is
    /// made, and nothing in it changes.
    ///
    /// # Errors
    /// When the file is no database, or damaged.
    pub async fn inspect(path: &Path, clock: Arc<dyn Clock>) -> StorageResult<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(true)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        check(&mut connection).await?;
        connection.close().await.map_err(failed)?;
        let randomness = Arc::new(SystemRandomness);
        let observer = ObserverSlot::default();
        let staged = Staged::new(randomness.clone(), observer.clone());
        // Whoever tries to write all the same writes into nothing.
        let nothing = SqliteConnection::connect("sqlite::memory:").await;
        let transaction = Transaction::new(nothing.map_err(failed)?, clock, staged);
        let readers = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        Ok(Self::new(
            Writer::start(observer, transaction),
            readers,
            randomness,
        ))
    }
}

/// Every page is readable, every index agrees with its table, every reference has its target.
async fn check(connection: &mut SqliteConnection) -> StorageResult<()> {
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if found != "ok" {
        return Err(StorageError::Corrupt(found.replace('\n', " ")));
    }
    let dangling = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    if let Some(row) = dangling {
        let table: String = row.try_get(0).map_err(failed)?;
        return Err(StorageError::Corrupt(format!(
            "a row of {table} names one that is not there"
        )));
    }
    let ours: bool = sqlx::query_scalar(
        "SELECT count(*) = 2 FROM sqlite_master WHERE name IN ('_sqlx_migrations', 'audit_chains')",
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    if ours {
        Ok(())
    } else {
        Err(corrupt("schema: this is no database of AgentIdP"))
    }
}

//! Opening the file: its settings, its schema, the writer and the readers.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{SqliteStorage, transaction::Transaction};
use crate::{
    audit::Randomness,
    clock::Clock,
    storage::{
        OpenError,
        writer::{ObserverSlot, Staged, Writer},
    },
};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::{Migrate, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a connection waits for another process that holds the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a read waits for a free reader.
const READER_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers beside the writer. Each is a thread with a page cache of its own.
const READERS_MAX: u32 = 4;

/// What opening needs.
#[derive(Clone)]
pub struct Options {
    /// Where the file is, or shall be; its directory exists.
    pub path: PathBuf,
    /// Whether an old schema is migrated, or refused. A new file gets its schema in any case.
    pub auto_migrate: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and salts of audit events.
    pub randomness: Arc<dyn Randomness>,
}

impl SqliteStorage {
    /// Opens the database, makes or migrates its schema, and starts the writer on the current runtime.
    ///
    /// # Errors
    /// When the file cannot be used, or its schema cannot.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let name = options.path.display().to_string();
        let unusable = |error: sqlx::Error| OpenError::Unusable {
            location: name.clone(),
            reason: error.to_string(),
        };
        let connect = settings(&options.path);
        let mut connection = connect.connect().await.map_err(unusable)?;
        prepare_schema(&mut connection, &name, options.auto_migrate).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .min_connections(0)
            .acquire_timeout(READER_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(read_only(connect));
        let observer = ObserverSlot::default();
        let staged = Staged::new(Arc::clone(&options.randomness), observer.clone());
        let transaction = Transaction::new(connection, options.clock, staged);
        let writer = Writer::start(observer, transaction);
        Ok(Self::new(writer, readers, options.randomness))
    }

    /// Brings an existing or new database to this version's schema and closes it again.
    ///
    /// # Errors
    /// When the file cannot be used, or its schema is newer.
    pub async fn migrate(path: &Path) -> Result<(), OpenError> {
        let name = path.display().to_string();
        let unusable = |error: sqlx::Error| OpenError::Unusable {
            location: name.clone(),
            reason: error.to_string(),
        };
        let mut connection = settings(path).connect().await.map_err(unusable)?;
        prepare_schema(&mut connection, &name, true).await?;
        connection.close().await.map_err(unusable)
    }
}

/// WAL: readers do not wait for the writer. FULL: a commit that returned is on the disk. No mmap: with many threads it
/// holds far more memory than the page caches do.
fn settings(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("mmap_size", "0")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

fn read_only(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.create_if_missing(false).pragma("query_only", "ON")
}

async fn prepare_schema(
    connection: &mut SqliteConnection,
    name: &str,
    migrate: bool,
) -> Result<(), OpenError> {
    let unknown = |reason: String| OpenError::Unknown {
        location: name.to_owned(),
        reason,
    };
    if !migrate && !is_current(connection).await.map_err(unknown)? {
        return Err(OpenError::Outdated {
            location: name.to_owned(),
        });
    }
    // Also checks that what was applied is, by its checksum, what this version has.
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| unknown(error.to_string()))
}

/// Whether every migration of this version was applied, or the database is empty.
async fn is_current(connection: &mut SqliteConnection) -> Result<bool, String> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| error.to_string())?;
    if tables == 0 {
        return Ok(true);
    }
    let table = &MIGRATIONS.table_name;
    connection
        .ensure_migrations_table(table)
        .await
        .map_err(|error| error.to_string())?;
    let applied = connection
        .list_applied_migrations(table)
        .await
        .map_err(|error| error.to_string())?;
    Ok(MIGRATIONS
        .iter()
        .all(|known| applied.iter().any(|done| done.version == known.version)))
}

/// The readers' pool, under a name that says what it is for.
pub(super) type Readers = SqlitePool;

//! Opening the file: its settings, its schema, the writer and the readers.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{SqliteStorage, failure::is_busy, transaction::Transaction};
use crate::{
    audit::Randomness,
    clock::Clock,
    storage::{
        OpenError,
        writer::{ObserverSlot, Staged, Writer},
    },
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::{Migrate, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a connection waits for another process that holds the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a start waits while another process migrates.
const MIGRATION_TIME_MAX: Duration = Duration::from_secs(60);
/// After how long it is tried again where SQLite itself does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
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
        let mut connection = open_file(&connect).await.map_err(unusable)?;
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
        let mut connection = open_file(&settings(path)).await.map_err(unusable)?;
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

/// While another process makes the file a database or leaves it as the last one, SQLite says so at once and does not wait.
async fn open_file(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        match options.connect().await {
            Err(error) if is_busy(&error) && Instant::now() < until => sleep(BUSY_PAUSE).await,
            outcome => return outcome,
        }
    }
}

/// What there is of the schema.
enum Schema {
    /// Nothing at all.
    Absent,
    /// Some migrations of this version were not applied.
    Old,
    /// All of them were.
    Present,
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
    let unusable = |error: sqlx::Error| OpenError::Unusable {
        location: name.to_owned(),
        reason: error.to_string(),
    };
    match schema(connection).await.map_err(unknown)? {
        Schema::Old if !migrate => Err(OpenError::Outdated {
            location: name.to_owned(),
        }),
        // Changes nothing: checks that what was applied is, by its checksum, what this version has.
        Schema::Present => run(connection).await.map_err(unknown),
        // One process at a time; the others find it done.
        Schema::Absent | Schema::Old => {
            wait_for_others(connection, MIGRATION_TIME_MAX)
                .await
                .map_err(unusable)?;
            let begin = connection.begin_with("BEGIN IMMEDIATE");
            let mut alone = begin.await.map_err(unusable)?;
            run(&mut alone).await.map_err(unknown)?;
            alone.commit().await.map_err(unusable)?;
            wait_for_others(connection, BUSY_TIMEOUT)
                .await
                .map_err(unusable)
        }
    }
}

/// How long this connection waits from now on.
async fn wait_for_others(
    connection: &mut SqliteConnection,
    time: Duration,
) -> Result<(), sqlx::Error> {
    let sql = format!("PRAGMA busy_timeout = {}", time.as_millis());
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection);
    done.await.map(drop)
}

async fn run(connection: &mut SqliteConnection) -> Result<(), String> {
    let done = MIGRATIONS.run_direct(None, connection, false).await;
    done.map_err(|error| error.to_string())
}

async fn schema(connection: &mut SqliteConnection) -> Result<Schema, String> {
    let table = &*MIGRATIONS.table_name;
    let (tables, ours): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(sum(name = ?), 0) FROM sqlite_master")
            .bind(table)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| error.to_string())?;
    if tables == 0 {
        return Ok(Schema::Absent);
    }
    if ours == 0 {
        return Ok(Schema::Old);
    }
    let applied = connection
        .list_applied_migrations(table)
        .await
        .map_err(|error| error.to_string())?;
    let is_applied = |version| applied.iter().any(|done| done.version == version);
    Ok(match MIGRATIONS.iter().all(|it| is_applied(it.version)) {
        true => Schema::Present,
        false => Schema::Old,
    })
}

/// The readers' pool, under a name that says what it is for.
pub(super) type Readers = SqlitePool;

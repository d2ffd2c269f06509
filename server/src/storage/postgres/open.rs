//! Opening the database: its schema, who may do what in it, the writer and the readers.
//!
//! Two roles: the owner migrates and lets the server's role in; the server's role owns nothing and may not look over the wall
//! between tenants. One role for both works too - the wall is forced on owners - but not one that row-level security does not
//! bind: a superuser, or a role with BYPASSRLS, is worth a warning at each start.

use std::{io, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    migrate::{Migrate, MigrateError, Migrator},
    pool::PoolConnectionMetadata,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::{PostgresStorage, transaction::Transaction};
use crate::{
    audit::Randomness,
    clock::Clock,
    config::Pool,
    storage::{
        OpenError,
        writer::{ObserverSlot, Staged, Writer},
    },
    wire::Secret,
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Any number that is ours: whoever holds it alone prepares the schema.
const PREPARING: i64 = 0x6167_656e_7469_6470;
/// `insufficient_privilege`.
const NOT_PERMITTED: &str = "42501";
/// How long a statement may run, and how long it may wait for a lock.
const STATEMENT_TIME_MAX: &str = "10s";
const LOCK_TIME_MAX: &str = "5s";
/// How long a transaction may stand still. It holds locks that every instance waits for; no statement of it waits for
/// anything but the database, so one that does is of an instance that is frozen, or was cut off.
const IDLE_TIME_MAX: &str = "10s";
/// How long a connection may take to show that it is alive, before it is used and before it goes back into the pool: of
/// one whose other end fell silent nobody hears anything, not even an error.
const ALIVE_TIME_MAX: Duration = Duration::from_millis(500);
/// For how long what it showed then is believed.
pub(super) const ALIVE_FOR: Duration = Duration::from_millis(500);

/// What opening needs.
#[derive(Clone)]
pub struct Options {
    /// `DATABASE_URL`: the server's role.
    pub url: Secret,
    /// `DATABASE_MIGRATION_URL`: the owner's role, where it is another one.
    pub migration_url: Option<Secret>,
    /// Whether an old or empty schema is migrated, or refused.
    pub auto_migrate: bool,
    /// Limits of the readers' pool, and how long to wait for a connection.
    pub pool: Pool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and salts of audit events.
    pub randomness: Arc<dyn Randomness>,
}

impl PostgresStorage {
    /// Opens the database, brings its schema up to date where that is allowed, and starts the writer on the current runtime.
    ///
    /// # Errors
    /// When the database cannot be reached, or its schema cannot be used.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let server = Named::parse(&options.url)?;
        let owner = match &options.migration_url {
            Some(url) => Named::parse(url)?,
            None => server.clone(),
        };
        // Who serves without owning needs the owner only where there is something to do.
        let done = options.migration_url.is_none() && server.check(&options).await.is_ok();
        if !done {
            if options.auto_migrate {
                owner.prepare(&options, &server).await?;
            }
            server.check(&options).await?;
        }
        server.check_role(&options).await?;
        let pool = options.pool;
        let settings = server.settings();
        let readers = PgPoolOptions::new()
            .max_connections(pool.max)
            .min_connections(pool.min)
            .idle_timeout(pool.idle_timeout)
            .acquire_timeout(pool.connection_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, known| Box::pin(still_alive(connection, known)))
            .after_release(|connection, _| Box::pin(alive(connection)))
            .connect_lazy_with(settings.clone());
        let observer = ObserverSlot::default();
        let staged = Staged::new(Arc::clone(&options.randomness), observer.clone());
        let transaction =
            Transaction::new(settings, pool.connection_timeout, options.clock, staged);
        let writer = Writer::start(observer, transaction);
        Ok(Self::new(writer, readers, options.randomness))
    }

    /// Brings a database to this version's schema, as its owner.
    ///
    /// # Errors
    /// When the database cannot be reached, or its schema is newer.
    pub async fn migrate(options: &Options) -> Result<(), OpenError> {
        let server = Named::parse(&options.url)?;
        let owner = match &options.migration_url {
            Some(url) => Named::parse(url)?,
            None => server.clone(),
        };
        owner.prepare(options, &server).await
    }
}

/// Whether a connection can be tried with that URL.
pub fn is_readable(url: &str) -> bool {
    PgConnectOptions::from_str(url).is_ok()
}

/// How to connect, and how messages call the database: without anything secret.
#[derive(Clone)]
struct Named {
    connect: PgConnectOptions,
    name: String,
}

impl Named {
    fn parse(url: &Secret) -> Result<Self, OpenError> {
        let connect =
            PgConnectOptions::from_str(url.expose()).map_err(|_| OpenError::Unusable {
                location: "postgres://…".to_owned(),
                reason: "the URL cannot be read".to_owned(),
            })?;
        let name = format!(
            "postgres://{}@{}:{}/{}",
            connect.get_username(),
            connect.get_host(),
            connect.get_port(),
            connect.get_database().unwrap_or_default()
        );
        Ok(Self {
            connect: connect
                .application_name("agentidp")
                .disable_statement_logging(),
            name,
        })
    }

    /// For serving: nothing hangs.
    fn settings(&self) -> PgConnectOptions {
        self.connect.clone().options([
            ("statement_timeout", STATEMENT_TIME_MAX),
            ("lock_timeout", LOCK_TIME_MAX),
            ("idle_in_transaction_session_timeout", IDLE_TIME_MAX),
        ])
    }

    async fn connection(&self, options: &Options) -> Result<PgConnection, OpenError> {
        match timeout(options.pool.connection_timeout, self.connect.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.unusable(error.to_string())),
            Err(_) => Err(self.unusable("it does not answer".to_owned())),
        }
    }

    /// Migrates, then lets the server's role in. One instance at a time; the others find it done.
    async fn prepare(&self, options: &Options, server: &Self) -> Result<(), OpenError> {
        let mut connection = self.connection(options).await?;
        self.run(
            &mut connection,
            format!("SELECT pg_advisory_lock({PREPARING})"),
        )
        .await?;
        MIGRATIONS
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|error| self.not_migrated(&error))?;
        let role = server.connect.get_username();
        if role != self.connect.get_username() {
            self.run(&mut connection, grants(role)).await?;
        }
        // The lock goes with the connection.
        connection
            .close()
            .await
            .map_err(|error| self.unusable(error.to_string()))
    }

    /// The schema must be this version's.
    async fn check(&self, options: &Options) -> Result<(), OpenError> {
        let mut connection = self.connection(options).await?;
        let table = &MIGRATIONS.table_name;
        let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(&**table)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| self.unusable(error.to_string()))?;
        let applied = if there {
            connection
                .list_applied_migrations(table)
                .await
                .map_err(|error| self.unusable(error.to_string()))?
        } else {
            Vec::new()
        };
        for known in MIGRATIONS.iter() {
            match applied.iter().find(|done| done.version == known.version) {
                None => {
                    return Err(OpenError::Outdated {
                        location: self.name.clone(),
                    });
                }
                Some(done) if done.checksum != known.checksum => {
                    return Err(self.unknown(format!("migration {} is another", known.version)));
                }
                Some(_) => {}
            }
        }
        if let Some(newer) = applied
            .iter()
            .find(|done| MIGRATIONS.iter().all(|known| known.version != done.version))
        {
            return Err(self.unknown(format!("it has migration {}", newer.version)));
        }
        // Whatever it says: the connection was only for looking.
        let _ = connection.close().await;
        Ok(())
    }

    async fn check_role(&self, options: &Options) -> Result<(), OpenError> {
        let mut connection = self.connection(options).await?;
        let unbound: bool = sqlx::query_scalar(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(|error| self.unusable(error.to_string()))?;
        let _ = connection.close().await;
        if unbound {
            tracing::warn!(
                role = self.connect.get_username(),
                "row-level security does not bind this role: use one that is no superuser and has no BYPASSRLS"
            );
        }
        Ok(())
    }

    async fn run(&self, connection: &mut PgConnection, sql: String) -> Result<(), OpenError> {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(connection)
            .await
            .map(drop)
            .map_err(|error| self.unusable(error.to_string()))
    }

    /// A migration that failed: the role may not, or the schema is another.
    fn not_migrated(&self, error: &MigrateError) -> OpenError {
        let cause = match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => Some(cause),
            _ => None,
        };
        let denied = cause
            .and_then(|cause| cause.as_database_error()?.code())
            .is_some_and(|code| code == NOT_PERMITTED);
        match cause {
            Some(cause) if denied => OpenError::NotTheOwner {
                location: self.name.clone(),
                role: self.connect.get_username().to_owned(),
                reason: cause.to_string(),
            },
            _ => self.unknown(error.to_string()),
        }
    }

    fn unusable(&self, reason: String) -> OpenError {
        OpenError::Unusable {
            location: self.name.clone(),
            reason,
        }
    }

    fn unknown(&self, reason: String) -> OpenError {
        OpenError::Unknown {
            location: self.name.clone(),
            reason,
        }
    }
}

/// Asks a connection that waited in the pool, unless it answered a moment ago.
async fn still_alive(
    connection: &mut PgConnection,
    known: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if known.idle_for < ALIVE_FOR {
        return Ok(true);
    }
    alive(connection).await
}

/// One that does not answer in time is closed, and its place in the pool is free for another.
pub(super) async fn alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match timeout(ALIVE_TIME_MAX, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

/// What the server's role may do: read and write rows; of the audit log only add, and erase by the one routine.
fn grants(role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    format!(
        "GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
         REVOKE UPDATE, DELETE ON audit_events FROM {role};
         REVOKE DELETE ON audit_chains FROM {role};
         GRANT EXECUTE ON FUNCTION agentidp_erase_events TO {role};
         REVOKE INSERT, UPDATE, DELETE ON {} FROM {role};",
        MIGRATIONS.table_name
    )
}

//! Opening the database: its schema, who may do what in it, the writer and the readers.
//!
//! Two roles: the owner migrates and lets the server's role in; the server's role owns nothing and may not look over the wall
//! between tenants. One role for both works too - the wall is forced on owners - but not one that row-level security does not
//! bind: a superuser, or a role with BYPASSRLS, is worth a warning at each start.

use std::{str::FromStr, sync::Arc};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    migrate::{Migrate, Migrator},
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
/// How long a statement may run, and how long it may wait for a lock.
const STATEMENT_TIME_MAX: &str = "10s";
const LOCK_TIME_MAX: &str = "5s";

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
        if options.auto_migrate {
            owner.prepare(&options, &server).await?;
        }
        server.check(&options).await?;
        let pool = options.pool;
        let settings = server.settings();
        let readers = PgPoolOptions::new()
            .max_connections(pool.max)
            .min_connections(pool.min)
            .idle_timeout(pool.idle_timeout)
            .acquire_timeout(pool.connection_timeout)
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
            ("idle_in_transaction_session_timeout", "60s"),
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
            .map_err(|error| self.unknown(error.to_string()))?;
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
        self.check_role(&mut connection).await?;
        // Whatever it says: the connection was only for looking.
        let _ = connection.close().await;
        Ok(())
    }

    async fn check_role(&self, connection: &mut PgConnection) -> Result<(), OpenError> {
        let unbound: bool = sqlx::query_scalar(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
        )
        .fetch_one(connection)
        .await
        .map_err(|error| self.unusable(error.to_string()))?;
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

/// What the server's role may do: read and write rows, and of the audit log only add.
fn grants(role: &str) -> String {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    format!(
        "GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
         REVOKE UPDATE, DELETE ON audit_events FROM {role};
         REVOKE DELETE ON audit_chains FROM {role};
         REVOKE INSERT, UPDATE, DELETE ON {} FROM {role};",
        MIGRATIONS.table_name
    )
}

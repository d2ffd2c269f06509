//! What the server remembers, behind one trait for each section.
//!
//! Owns: the traits that the sections call, the plain types that cross them, the typed outcomes of a
//! change, and the backends that implement them (`sqlite`; the next one has to pass `suite`).
//! Refuses: rules of a section (who may do what, what an answer looks like), HTTP, and SQL anywhere else.
//!
//! Three promises every backend keeps:
//! 1. A change, its audit events, the generations it raises and the revision it bumps are one transaction.
//! 2. A write that returned `Ok` survives the process being killed.
//! 3. Whatever cannot be answered truthfully is [`StorageError::Unavailable`], in bounded time.

mod agents;
mod audit;
mod chain;
mod credentials;
mod erasure;
mod error;
mod idempotency;
mod jobs;
mod materials;
mod measured;
mod open_error;
mod organizations;
mod revocation;
mod signing_keys;
mod tables;
mod usage;
mod words;

mod writer;

pub mod postgres;
pub mod sqlite;
#[cfg(test)]
mod suite;

use std::{fs, io, path::Path, sync::Arc};

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    audit::SystemRandomness,
    clock::Clock,
    config::{Config, Database},
};

pub use agents::{
    AgentChange, AgentEvents, AgentFilter, AgentPatch, AgentRecord, AgentStore, AgentsMax,
    DecommissionAgent, NewAgent, UpdateAgent,
};
pub use audit::{
    AuditFilter, AuditPage, AuditPosition, AuditQuery, AuditStore, ChainHead, StoredEvent,
};
pub use credentials::{
    ACTIVE_CREDENTIALS_MAX, ClientCredential, ClientRecord, ClientSecretHash, CredentialRecord,
    CredentialStore, IN_VAULT, LeftInVault, NewCredential, RevokeCredential, RotateCredential,
};
pub use erasure::{ErasureStore, is_erased_email};
pub use error::{StorageError, StorageResult};
pub use idempotency::{Claim, IdempotencyStore, Slot, keeping_answer, noting_changes};
pub use jobs::{JobRecord, JobStore, TakeTurn, Turn};
pub use materials::MaterialStore;
pub use measured::Measured;
pub use open_error::OpenError;
pub use organizations::{
    Founding, OrganizationRecord, OrganizationStatus, OrganizationStore, Tier,
};
pub use revocation::{Changes, Dependency, Raise, Revision, RevocationStore, RevokedToken};
pub use signing_keys::{KeyRotation, KeyState, SigningKeyRecord, SigningKeyStore};
pub use tables::{Content, TABLES, Table};
pub use usage::{Day, Usage, UsageBatch, UsageOf, UsageStore};

/// Opens the store that the configuration names, with its schema brought up to date if the configuration lets it.
///
/// # Errors
/// One sentence for the operator.
pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn Storage>, OpenError> {
    let randomness = Arc::new(SystemRandomness);
    match &config.database {
        Database::Sqlite(path) => {
            make_private(&config.data_dir, path).map_err(|error| OpenError::Unusable {
                location: path.display().to_string(),
                reason: error.to_string(),
            })?;
            let options = sqlite::Options {
                path: path.clone(),
                auto_migrate: config.auto_migrate,
                clock,
                randomness,
            };
            Ok(Arc::new(sqlite::SqliteStorage::open(options).await?))
        }
        Database::Postgres { url, migration_url } => {
            let options = postgres::Options {
                url: url.clone(),
                migration_url: migration_url.clone(),
                auto_migrate: config.auto_migrate,
                pool: config.pool,
                clock,
                randomness,
            };
            Ok(Arc::new(postgres::PostgresStorage::open(options).await?))
        }
    }
}

/// Brings the schema of the configured database to this version's.
///
/// # Errors
/// One sentence for the operator.
pub async fn migrate(config: &Config, clock: Arc<dyn Clock>) -> Result<(), OpenError> {
    match &config.database {
        Database::Sqlite(path) => {
            make_private(&config.data_dir, path).map_err(|error| OpenError::Unusable {
                location: path.display().to_string(),
                reason: error.to_string(),
            })?;
            sqlite::SqliteStorage::migrate(path).await
        }
        Database::Postgres { url, migration_url } => {
            postgres::PostgresStorage::migrate(&postgres::Options {
                url: url.clone(),
                migration_url: migration_url.clone(),
                auto_migrate: true,
                pool: config.pool,
                clock,
                randomness: Arc::new(SystemRandomness),
            })
            .await
        }
    }
}

/// Makes what is missing of the data directory and the database's own, for this user alone.
fn make_private(data_dir: &Path, database: &Path) -> io::Result<()> {
    let mut directory = fs::DirBuilder::new();
    directory.recursive(true);
    let mut file = fs::OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        directory.mode(0o700);
        file.mode(0o600);
    }
    directory.create(data_dir)?;
    if let Some(parent) = database
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        directory.create(parent)?;
    }
    // SQLite gives its other files the mode of this one.
    file.open(database).map(drop)
}

/// Everything the server stores. One instance is shared by the whole process.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Organizations, and the founding of the system organization.
    fn organizations(&self) -> &dyn OrganizationStore;
    /// Agents.
    fn agents(&self) -> &dyn AgentStore;
    /// Credentials, and what authenticating a client needs.
    fn credentials(&self) -> &dyn CredentialStore;
    /// Generations, revoked tokens and the revision that other instances follow.
    fn revocations(&self) -> &dyn RevocationStore;
    /// Signing keys.
    fn signing_keys(&self) -> &dyn SigningKeyStore;
    /// Small named values: key material, settings.
    fn materials(&self) -> &dyn MaterialStore;
    /// The audit log.
    fn audit(&self) -> &dyn AuditStore;
    /// Erasing personal data.
    fn erasure(&self) -> &dyn ErasureStore;
    /// Answers kept for a repeated `Idempotency-Key`.
    fn idempotency(&self) -> &dyn IdempotencyStore;
    /// Jobs that run on one instance at a time.
    fn jobs(&self) -> &dyn JobStore;
    /// What organizations used.
    fn usage(&self) -> &dyn UsageStore;

    /// Registers who is told of each committed change before its caller is answered. Only the last one counts.
    fn observe(&self, observer: Arc<dyn ChangeObserver>);
    /// How busy the readers' connections are.
    fn pool(&self) -> PoolUse;
    /// Answers when the store can read and write.
    async fn check(&self) -> StorageResult<()>;
    /// Drains what is queued, then closes. Later calls are [`StorageError::Unavailable`].
    async fn close(&self);
}

/// How busy a pool of connections is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections in use.
    pub active: u32,
    /// Calls that wait for one because all are in use.
    pub waiting: u32,
}

/// Told of every committed change of this process, on the writer, before the caller of the change is answered:
/// what is revoked here is refused here at once. It must not block and must not call the storage.
pub trait ChangeObserver: Send + Sync {
    /// `changes` is what [`RevocationStore::changes_since`] would answer for this commit alone.
    fn committed(&self, changes: &Changes);
}

/// Which organizations' things a caller sees. The organization is a wall; only `admin:orgs` sees over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of one organization. Anything else is as unknown as if it did not exist.
    Organization(Uuid),
    /// Those of every organization.
    Everywhere,
}

impl Reach {
    /// Whether things of this organization are within reach.
    #[must_use]
    pub fn covers(self, organization: Uuid) -> bool {
        match self {
            Self::Organization(own) => own == organization,
            Self::Everywhere => true,
        }
    }
}

/// A page of a list: `page` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u32,
    /// Items on a page, 1-100.
    pub limit: u32,
}

impl Paging {
    /// From a checked query, which keeps both numbers small.
    #[must_use]
    pub fn from_query(page: i64, limit: i64) -> Self {
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            page: small(page),
            limit: small(limit),
        }
    }

    /// How many items lie before this page.
    #[must_use]
    pub fn offset(self) -> u64 {
        u64::from(self.page.saturating_sub(1)) * u64::from(self.limit)
    }
}

/// One page of a list, and how many items there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// All items that pass the filter.
    pub total: u64,
}

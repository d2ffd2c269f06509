//! Storage in one SQLite file: one writer that commits in groups, a few readers beside it.
//!
//! Owns every SQL statement of the embedded default. Refuses: rules of sections beyond the outcomes that the traits name.

mod agent_changes;
mod agents;
mod audit;
mod chain;
mod credential_changes;
mod credentials;
mod erasure;
mod failure;
mod idempotency;
mod jobs;
mod lookup;
mod materials;
mod open;
mod organizations;
mod revocation;
mod rows;
mod signing_keys;
mod snapshot;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod transaction;
mod usage;

use std::sync::Arc;

use async_trait::async_trait;

pub use open::Options;
pub use tables::Source;

use self::{failure::failed, lookup::Lookup, open::Readers, transaction::Transaction};
use super::{
    AgentStore, AuditStore, ChangeObserver, CredentialStore, ErasureStore, IdempotencyStore,
    JobStore, MaterialStore, OrganizationStore, PoolUse, RevocationStore, SigningKeyStore, Storage,
    StorageResult, UsageStore, writer::Writer,
};
use crate::audit::{NewEvent, Randomness, SealedEvent};

/// The embedded store. Cheap to clone: all clones share the writer and the readers.
#[derive(Clone)]
pub struct SqliteStorage {
    writer: Writer<Transaction>,
    readers: Readers,
    lookup: Lookup,
    randomness: Arc<dyn Randomness>,
}

impl SqliteStorage {
    fn new(writer: Writer<Transaction>, readers: Readers, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            writer,
            lookup: Lookup::start(readers.clone()),
            readers,
            randomness,
        }
    }

    /// Hashes payloads here, on the caller's thread: the writer has better things to do.
    fn seal(&self, events: Vec<NewEvent>) -> Vec<Arc<SealedEvent>> {
        events
            .into_iter()
            .map(|event| Arc::new(event.seal(self.randomness.as_ref())))
            .collect()
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    fn organizations(&self) -> &dyn OrganizationStore {
        self
    }

    fn agents(&self) -> &dyn AgentStore {
        self
    }

    fn credentials(&self) -> &dyn CredentialStore {
        self
    }

    fn revocations(&self) -> &dyn RevocationStore {
        self
    }

    fn signing_keys(&self) -> &dyn SigningKeyStore {
        self
    }

    fn materials(&self) -> &dyn MaterialStore {
        self
    }

    fn audit(&self) -> &dyn AuditStore {
        self
    }

    fn erasure(&self) -> &dyn ErasureStore {
        self
    }

    fn idempotency(&self) -> &dyn IdempotencyStore {
        self
    }

    fn jobs(&self) -> &dyn JobStore {
        self
    }

    fn usage(&self) -> &dyn UsageStore {
        self
    }

    fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.writer.observe(observer);
    }

    /// Who waits is not counted: a read takes less time than counting would be worth.
    fn pool(&self) -> PoolUse {
        let idle = u32::try_from(self.readers.num_idle()).unwrap_or(u32::MAX);
        PoolUse {
            active: self.readers.size().saturating_sub(idle),
            waiting: 0,
        }
    }

    async fn check(&self) -> StorageResult<()> {
        sqlx::query("SELECT value FROM revision")
            .execute(&self.readers)
            .await
            .map_err(failed)?;
        self.writer.change(revocation::Probe).await
    }

    async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

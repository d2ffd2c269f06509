//! Storage in a PostgreSQL database that many instances share: each has one writer that commits in groups, and a pool of
//! readers beside it.
//!
//! Owns every SQL statement of the shared store. Refuses: rules of sections beyond the outcomes that the traits name.

mod agent_changes;
mod agents;
mod audit;
mod beginning;
mod chain;
mod credential_changes;
mod credentials;
mod erasure;
mod failure;
mod idempotency;
mod jobs;
mod materials;
mod open;
mod organizations;
mod revocation;
mod rows;
mod signing_keys;
mod tables;
#[cfg(test)]
mod tests;
mod transaction;
mod usage;
mod wall;

use std::sync::Arc;

use async_trait::async_trait;

pub use open::{Options, is_readable};
pub use tables::Target;

use sqlx::PgPool;

use self::{beginning::Beginning, failure::failed, transaction::Transaction, wall::Look};
use super::{
    AgentStore, AuditStore, ChangeObserver, CredentialStore, ErasureStore, IdempotencyStore,
    JobStore, MaterialStore, OrganizationStore, PoolUse, Reach, RevocationStore, SigningKeyStore,
    Storage, StorageResult, UsageStore, writer::Writer,
};
use crate::audit::{NewEvent, Randomness, SealedEvent};

/// A shared store. Cheap to clone: all clones share the writer and the readers.
#[derive(Clone)]
pub struct PostgresStorage {
    writer: Writer<Transaction>,
    readers: PgPool,
    randomness: Arc<dyn Randomness>,
    beginning: Beginning,
}

impl PostgresStorage {
    fn new(writer: Writer<Transaction>, readers: PgPool, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            writer,
            readers,
            randomness,
            beginning: Beginning::default(),
        }
    }

    /// A look at what lies within this reach.
    async fn look(&self, reach: Reach) -> StorageResult<Look> {
        let _one = self.beginning.one_more();
        wall::look(&self.readers, reach).await
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
impl Storage for PostgresStorage {
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

    fn pool(&self) -> PoolUse {
        let idle = u32::try_from(self.readers.num_idle()).unwrap_or(u32::MAX);
        let active = self.readers.size().saturating_sub(idle);
        let full = active >= self.readers.options().get_max_connections();
        let beginning = self.beginning.number();
        PoolUse {
            active,
            waiting: if full { beginning } else { 0 },
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

//! Storage in a PostgreSQL database that many instances share: each has one writer that commits in groups, and a pool of
//! readers beside it.
//!
//! Owns every SQL statement of the shared store. Refuses: rules of sections beyond the outcomes that the traits name.

mod agent_changes;
mod agents;
mod audit;
mod chain;
mod credential_changes;
mod credentials;
mod failure;
mod idempotency;
mod materials;
mod open;
mod organizations;
mod revocation;
mod rows;
mod signing_keys;
#[cfg(test)]
mod tests;
mod transaction;
mod wall;

use std::sync::Arc;

use async_trait::async_trait;

pub use open::Options;

use sqlx::PgPool;

use self::{failure::failed, transaction::Transaction, wall::Look};
use super::{
    AgentStore, AuditStore, ChangeObserver, CredentialStore, IdempotencyStore, MaterialStore,
    OrganizationStore, Reach, RevocationStore, SigningKeyStore, Storage, StorageResult,
    writer::Writer,
};
use crate::audit::{NewEvent, Randomness, SealedEvent};

/// A shared store. Cheap to clone: all clones share the writer and the readers.
#[derive(Clone)]
pub struct PostgresStorage {
    writer: Writer<Transaction>,
    readers: PgPool,
    randomness: Arc<dyn Randomness>,
}

impl PostgresStorage {
    fn new(writer: Writer<Transaction>, readers: PgPool, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            writer,
            readers,
            randomness,
        }
    }

    /// A look at what lies within this reach.
    async fn look(&self, reach: Reach) -> StorageResult<Look> {
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

    fn idempotency(&self) -> &dyn IdempotencyStore {
        self
    }

    fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.writer.observe(observer);
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

//! The clients that were read lately. Dropped when a change of theirs is heard of - from this
//! process at once, from another one by the follower.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use super::cache::Cache;
use super::client::Client;
use super::in_vault::{Found, InVault};
use crate::error::ApiError;
use crate::limits::KnownClients;
use crate::storage::{ChangeObserver, Changes, Revision, Storage, StorageResult};
use crate::vault::Keeper;

/// Clients that are remembered, at about 1 KiB each.
const REMEMBERED_MAX: usize = 32 * 1024;

/// Clients by id.
pub struct Clients {
    storage: Arc<dyn Storage>,
    in_vault: InVault,
    remembered: Cache<Uuid, Arc<Client>>,
    /// The newest revision that was heard of.
    revision: AtomicI64,
}

impl Clients {
    /// Reads from that store, and the hashes from where they are kept.
    pub fn new(storage: Arc<dyn Storage>, keeper: Arc<Keeper>) -> Self {
        Self {
            storage,
            in_vault: InVault::new(keeper),
            remembered: Cache::new(REMEMBERED_MAX),
            revision: AtomicI64::new(Revision::MIN),
        }
    }

    /// The client, if it was read lately and has not changed since.
    pub(super) fn remembered(&self, id: Uuid) -> Option<Arc<Client>> {
        self.remembered.get(&id)
    }

    /// The client as stored now, with every hash of its secrets.
    pub(super) async fn read(&self, id: Uuid) -> Result<Option<Arc<Client>>, ApiError> {
        let record = self.storage.credentials().client(id).await?;
        let in_vault = self.in_vault.hashes(id, record.as_ref()).await?;
        Ok(record.map(|record| self.remember(id, Client::of(record, &in_vault))))
    }

    fn remember(&self, id: Uuid, client: Client) -> Arc<Client> {
        let client = Arc::new(client);
        // A change that was heard of after this was read may be one of this client's, and its
        // dropping may be over: then the reading serves this call and nobody else.
        self.remembered.insert_if(id, Arc::clone(&client), || {
            client.revision >= self.revision.load(Ordering::Acquire)
        });
        client
    }

    /// The client, remembered or read; for those that need no hash, so Vault is not asked.
    pub(super) async fn get(&self, id: Uuid) -> StorageResult<Option<Arc<Client>>> {
        if let Some(client) = self.remembered(id) {
            return Ok(Some(client));
        }
        let record = self.storage.credentials().client(id).await?;
        Ok(record.map(|record| self.remember(id, Client::of(record, &Found::new()))))
    }
}

impl KnownClients for Clients {
    fn knows(&self, client: Uuid) -> bool {
        self.remembered(client).is_some()
    }
}

impl ChangeObserver for Clients {
    fn committed(&self, changes: &Changes) {
        // First the revision, then the dropping: see `read`.
        self.revision.fetch_max(changes.revision, Ordering::AcqRel);
        if changes.whole {
            self.remembered.retain(|_| false);
            return;
        }
        for id in &changes.clients {
            self.remembered.remove(id);
        }
        if !changes.organizations.is_empty() {
            let stays = |client: &Arc<Client>| {
                !changes
                    .organizations
                    .contains(&client.agent.organization_id)
            };
            self.remembered.retain(stays);
        }
    }
}

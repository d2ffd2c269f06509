//! The clients that were read lately. Dropped when a change of theirs is heard of - from this
//! process at once, from another one by the follower.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use super::cache::Cache;
use super::client::Client;
use crate::storage::{ChangeObserver, Changes, Revision, Storage, StorageResult};

/// Clients that are remembered, at about 1 KiB each.
const REMEMBERED_MAX: usize = 32 * 1024;

/// Clients by id.
pub struct Clients {
    storage: Arc<dyn Storage>,
    remembered: Cache<Uuid, Arc<Client>>,
    /// The newest revision that was heard of.
    revision: AtomicI64,
}

impl Clients {
    /// Reads from that store.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            remembered: Cache::new(REMEMBERED_MAX),
            revision: AtomicI64::new(Revision::MIN),
        }
    }

    /// The client, if it was read lately and has not changed since.
    pub(super) fn remembered(&self, id: Uuid) -> Option<Arc<Client>> {
        self.remembered.get(&id)
    }

    /// The client as stored now.
    pub(super) async fn read(&self, id: Uuid) -> StorageResult<Option<Arc<Client>>> {
        let Some(record) = self.storage.credentials().client(id).await? else {
            return Ok(None);
        };
        let client = Arc::new(Client::of(record));
        // A change that was heard of after this was read may be one of this client's, and its
        // dropping may be over: then the reading serves this call and nobody else.
        self.remembered.insert_if(id, Arc::clone(&client), || {
            client.revision >= self.revision.load(Ordering::Acquire)
        });
        Ok(Some(client))
    }

    /// The client, remembered or read.
    pub(super) async fn get(&self, id: Uuid) -> StorageResult<Option<Arc<Client>>> {
        match self.remembered(id) {
            Some(client) => Ok(Some(client)),
            None => self.read(id).await,
        }
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

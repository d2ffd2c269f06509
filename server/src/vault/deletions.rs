//! The job that deletes from Vault what was revoked.
//!
//! Revocation is durable in the database first, and from then on no instance asks Vault for that
//! hash. What remains to be deleted is whatever revoked credential still holds a reference; it loses
//! it when Vault has said that every version is gone. So neither a crash nor a Vault that is away
//! loses a deletion, and doing one twice does no harm.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Keeper, Reference, VaultError};
use crate::{
    jobs::{Job, JobError, Progress},
    storage::{LeftInVault, Storage, StorageError},
};

const INTERVAL: Duration = Duration::from_secs(5);
const AT_ONCE: u32 = 100;
/// What stands in the place of a reference to nothing. No secret has this hash.
const REMOVED: &str = "removed";

/// See the module.
pub struct Deletions {
    keeper: Arc<Keeper>,
    storage: Arc<dyn Storage>,
}

impl Deletions {
    /// `None` without a Vault.
    pub fn job(keeper: &Arc<Keeper>, storage: &Arc<dyn Storage>) -> Option<Arc<dyn Job>> {
        keeper.client()?;
        Some(Arc::new(Self {
            keeper: Arc::clone(keeper),
            storage: Arc::clone(storage),
        }))
    }

    async fn delete(&self, left: &LeftInVault) -> Result<(), JobError> {
        let (agent, credential) = (left.agent_id, left.credential_id);
        // Whoever still knows the secret of a decommissioned agent may learn why it gets no token: the
        // hash, which opens nothing any more, goes back to the database.
        let kept = match Reference::parse(&left.stored).filter(|_| left.ended_with_agent) {
            None => None,
            Some(reference) => {
                let mut hashes = self.keeper.read(agent, credential).await.map_err(failed)?;
                hashes.remove(&reference.id)
            }
        };
        self.keeper
            .delete(agent, credential)
            .await
            .map_err(failed)?;
        let new = kept.as_deref().unwrap_or(REMOVED);
        let credentials = self.storage.credentials();
        match credentials
            .replace_hash(credential, &left.stored, new)
            .await
        {
            // Another instance was first.
            Ok(()) | Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn failed(error: VaultError) -> JobError {
    JobError::Failed(format!("Vault {error}"))
}

#[async_trait]
impl Job for Deletions {
    fn name(&self) -> &'static str {
        "vault_deletions"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn run(&self, _progress: &Progress) -> Result<Option<Vec<u8>>, JobError> {
        loop {
            let left = self.storage.credentials().left_in_vault(AT_ONCE).await?;
            if left.is_empty() {
                return Ok(None);
            }
            for one in &left {
                self.delete(one).await?;
            }
        }
    }
}

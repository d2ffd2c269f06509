//! Reading the hashes that stand in Vault.
//!
//! The database says which hashes of a client count; each never changes under its name, so one that
//! was read is remembered and Vault is asked once. Refuses: judging with what Vault did not say - when
//! it does not answer, neither does this.
//!
//! Equal work: the first attempt with a client id that this process has not met asks Vault, later ones
//! do not, whether such a client exists or not. What still shows: how many credentials the client has,
//! and that one of them was rotated, in the time of the one attempt that reads them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use uuid::Uuid;

use super::cache::Cache;
use crate::storage::ClientRecord;
use crate::vault::{Keeper, Reference, VaultError};

/// Hashes that are remembered, at about 150 bytes each; and ids that were met.
const REMEMBERED_MAX: usize = 64 * 1024;

/// Hashes by the name that their reference gives them.
pub(super) type Found = HashMap<Uuid, Arc<str>>;

/// See the module.
pub(super) struct InVault {
    keeper: Arc<Keeper>,
    remembered: Cache<Uuid, Arc<str>>,
    /// Client ids with which Vault was asked.
    met: Cache<Uuid, ()>,
}

impl InVault {
    pub(super) fn new(keeper: Arc<Keeper>) -> Self {
        Self {
            keeper,
            remembered: Cache::new(REMEMBERED_MAX),
            met: Cache::new(REMEMBERED_MAX),
        }
    }

    /// Every hash that the record only names. One that Vault does not have is left out.
    pub(super) async fn hashes(
        &self,
        client: Uuid,
        record: Option<&ClientRecord>,
    ) -> Result<Found, VaultError> {
        let mut found = Found::new();
        let mut named = Vec::new();
        let mut missing = Vec::new();
        for credential in record.iter().flat_map(|record| &record.credentials) {
            let stored = credential.secrets.iter().map(|secret| secret.hash.as_str());
            for reference in stored.filter_map(Reference::parse) {
                named.push((reference.id, credential.credential_id));
                match self.remembered.get(&reference.id) {
                    Some(hash) => drop(found.insert(reference.id, hash)),
                    None => missing.push(credential.credential_id),
                }
            }
        }
        missing.dedup();
        if self.keeper.client().is_none() {
            return match missing.first() {
                None => Ok(found),
                Some(_) => Err(VaultError::NotConfigured),
            };
        }
        if missing.is_empty() && self.met.get(&client).is_none() {
            missing.push(Uuid::nil());
        }
        let reading = missing.into_iter().map(|it| self.keeper.read(client, it));
        for (id, hash) in try_join_all(reading).await?.into_iter().flatten() {
            let hash: Arc<str> = hash.into();
            self.remembered.insert(id, Arc::clone(&hash));
            found.insert(id, hash);
        }
        for (id, credential) in named {
            if !found.contains_key(&id) {
                tracing::warn!(%credential, "Vault has no hash of this credential's secret: rotate it");
            }
        }
        self.met.insert(client, ());
        Ok(found)
    }
}

//! Where the hashes of client secrets are kept: beside the credential in the database, or in Vault at
//! `{mount}/data/agentidp/agents/{agentId}/credentials/{credentialId}`.
//!
//! In Vault a credential has one entry with every hash that may be in use, each under a name of its
//! own; the database holds the name ([`Reference`]) and decides which of them count. Vault is written
//! first, then the database. So a crash between the two leaves a hash that nothing names, of a secret
//! that nobody was told; and what was acknowledged stands in both. Writing again (a rotation) carries
//! over the hashes that the database names and those young enough to be named yet, under
//! check-and-set, so that concurrent writers lose nothing.
//!
//! Refuses: deciding what a reader may do with a hash, and deleting before the database has forgotten
//! it (`deletions`).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, Reference, VaultError};
use crate::{
    clock::Timestamp,
    error::ApiError,
    secrets::SecretsError,
    storage::{Storage, StorageError},
};

/// How long after it was written a hash may still come to be named: far longer than a change takes,
/// and than clocks of instances differ.
const UNNAMED_FOR: Duration = Duration::from_secs(60);
/// Hashes of one entry that are not named yet.
const UNNAMED_MAX: usize = 32;
/// Writers of one entry at once, about.
const ATTEMPTS: usize = 8;

/// Why a hash could not be kept. Nothing was changed that counts.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Vault did not do it.
    #[error("Vault {0}")]
    Vault(#[from] VaultError),
    /// The database did not say which hashes count.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The hash is none.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl From<KeepError> for ApiError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Vault(error) => Self::from(error),
            KeepError::Storage(error) => Self::from(error),
            KeepError::Secrets(error) => Self::internal(error),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::unavailable(KeepError::Vault(error))
    }
}

/// The hashes of one entry, by name.
pub type Hashes = BTreeMap<Uuid, String>;

/// See the module.
#[derive(Debug, Default)]
pub struct Keeper(Option<Place>);

#[derive(Debug)]
struct Place {
    client: Arc<Client>,
    mount: String,
}

impl Keeper {
    /// In Vault, under that mount.
    pub fn vault(client: Arc<Client>, mount: String) -> Self {
        Self(Some(Place { client, mount }))
    }

    /// In the database.
    pub fn database() -> Self {
        Self(None)
    }

    /// The Vault, if there is one.
    pub fn client(&self) -> Option<&Arc<Client>> {
        self.0.as_ref().map(|place| &place.client)
    }

    /// Whether a stored text stands where hashes are kept now.
    pub fn is_in_place(&self, stored: &str) -> bool {
        self.0.is_none() || Reference::parse(stored).is_some()
    }

    /// Keeps the first hash of a new credential. Answers what the database is to store.
    pub async fn keep_first(
        &self,
        agent: Uuid,
        credential: Uuid,
        hash: String,
    ) -> Result<String, KeepError> {
        let Some(place) = &self.0 else {
            return Ok(hash);
        };
        let reference = Reference::to(&hash)?;
        // Nobody has met the credential's id before: its own time is of no use.
        let members = [(reference.id.to_string(), member(&hash, None))];
        let path = place.path("data", agent, credential);
        place.client.write(&path, secrets(members), 0).await?;
        Ok(reference.to_string())
    }

    /// Keeps one more hash of a credential. Answers what the database is to store.
    pub async fn keep_next(
        &self,
        storage: &dyn Storage,
        (agent, credential): (Uuid, Uuid),
        hash: String,
        now: Timestamp,
    ) -> Result<String, KeepError> {
        let Some(place) = &self.0 else {
            return Ok(hash);
        };
        let reference = Reference::to(&hash)?;
        let path = place.path("data", agent, credential);
        for _ in 0..ATTEMPTS {
            // First the entry, then what counts of it: a hash that is named after this reading was
            // in the entry before it, and is young.
            let entry = place.client.read(&path).await?;
            let named = named(storage, agent, credential).await?;
            let mut members = entry.data.as_ref().map(members).unwrap_or_default();
            members.retain(|(id, value)| named.contains(id) || is_young(value, now));
            let unnamed = members.iter().filter(|(id, _)| !named.contains(id)).count();
            if unnamed >= UNNAMED_MAX {
                return Err(VaultError::Crowded.into());
            }
            let kept = members
                .into_iter()
                .map(|(id, value)| (id.to_string(), value));
            let new = (reference.id.to_string(), member(&hash, Some(now)));
            let data = secrets(kept.chain([new]));
            match place.client.write(&path, data, entry.version).await {
                Ok(_) => return Ok(reference.to_string()),
                Err(VaultError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(VaultError::Conflict.into())
    }

    /// Every hash of a credential; none when Vault has no entry of it.
    pub async fn read(&self, agent: Uuid, credential: Uuid) -> Result<Hashes, VaultError> {
        let place = self.0.as_ref().ok_or(VaultError::NotConfigured)?;
        let path = place.path("data", agent, credential);
        let entry = place.client.read(&path).await?;
        let members = entry.data.as_ref().map(members).unwrap_or_default();
        let hash = |(id, value): (Uuid, Value)| Some((id, value["hash"].as_str()?.to_owned()));
        Ok(members.into_iter().filter_map(hash).collect())
    }

    /// Deletes every version of a credential's entry, for one that the database does not know or has
    /// revoked.
    pub async fn delete(&self, agent: Uuid, credential: Uuid) -> Result<(), VaultError> {
        match &self.0 {
            None => Ok(()),
            Some(place) => {
                let path = place.path("metadata", agent, credential);
                place.client.delete(&path).await
            }
        }
    }

    /// The same when the database refused the credential: it does not know it and never will. When
    /// Vault is away too, a hash is left that nothing names.
    pub async fn withdraw(&self, agent: Uuid, credential: Uuid, refusal: &StorageError) {
        if refusal.is_unavailable() {
            return;
        }
        if let Err(error) = self.delete(agent, credential).await {
            tracing::warn!(%credential, %error, "a hash of no credential is left in Vault");
        }
    }
}

impl Place {
    fn path(&self, kind: &str, agent: Uuid, credential: Uuid) -> String {
        let mount = &self.mount;
        format!("{mount}/{kind}/agentidp/agents/{agent}/credentials/{credential}")
    }
}

/// The names that the database holds of a credential's hashes.
async fn named(
    storage: &dyn Storage,
    agent: Uuid,
    credential: Uuid,
) -> Result<Vec<Uuid>, StorageError> {
    let client = storage.credentials().client(agent).await?;
    let all = client.map(|client| client.credentials).unwrap_or_default();
    let own = all.iter().filter(|it| it.credential_id == credential);
    let stored = own.flat_map(|credential| &credential.secrets);
    Ok(stored
        .filter_map(|secret| Reference::parse(&secret.hash))
        .map(|reference| reference.id)
        .collect())
}

/// The data of an entry.
fn secrets(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    json!({ "secrets": Value::Object(members.into_iter().collect()) })
}

fn member(hash: &str, written_at: Option<Timestamp>) -> Value {
    json!({ "hash": hash, "writtenAt": written_at.map(|at| at.ms()) })
}

fn members(data: &serde_json::Map<String, Value>) -> Vec<(Uuid, Value)> {
    let all = data.get("secrets").and_then(Value::as_object);
    let read = |(id, value): (&String, &Value)| Some((Uuid::try_parse(id).ok()?, value.clone()));
    all.into_iter().flatten().filter_map(read).collect()
}

fn is_young(member: &Value, now: Timestamp) -> bool {
    let written_at = member["writtenAt"].as_i64().map(Timestamp::from_ms);
    written_at.is_some_and(|at| now < at.plus(UNNAMED_FOR))
}

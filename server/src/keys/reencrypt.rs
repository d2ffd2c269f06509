//! Bringing everything that is encrypted under the first encryption key, so that an old one can be
//! taken out of the list.
//!
//! Encrypted columns are the private halves of signing keys. Materials hold nothing encrypted. Kept
//! answers of repeated requests are encrypted too, and not touched: each is forgotten after a day.
//! Hashes of client secrets are made under a key and cannot be made anew without the secret: each
//! changes at its next use, and here they are only counted.
//!
//! Every value is exchanged by itself, and only for what was read: interrupting it, repeating it and
//! running it beside servers that have both keys are all safe.

use std::collections::HashSet;

use uuid::Uuid;

use super::load::context;
use crate::secrets::{ImportedHash, SecretHash, Secrets, SecretsError};
use crate::storage::{AgentFilter, Paging, Reach, Storage, StorageError, StorageResult};
use crate::vault::Reference;

/// What was found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reencrypted {
    /// Private halves that are under the first key now, and were not before.
    pub changed: usize,
    /// Private halves that were so already.
    pub unchanged: usize,
    /// Names of signing keys whose private half no key of the list can decrypt.
    pub unreadable: Vec<String>,
    /// What remains to be said of secrets.
    pub secrets: OutdatedSecrets,
}

/// Credentials that can be used and have a secret whose hash is not of the first key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutdatedSecrets {
    /// Made under a later key of the list: that key has to stay until they are used or rotated.
    pub older_key: usize,
    /// Imported (bcrypt, argon2): they need no key.
    pub imported: usize,
    /// Made under a key that is not in the list, or of no known form: they are refused.
    pub unusable: usize,
}

/// See the module. Stops at the first fault of the store; what was done until then is kept.
pub async fn reencrypt(
    storage: &dyn Storage,
    secrets: &Secrets,
) -> Result<Reencrypted, StorageError> {
    let mut done = Reencrypted::default();
    for key in storage.signing_keys().list().await? {
        let Some(old) = key.private_encrypted else {
            continue;
        };
        match secrets.reencrypt(&context(&key.kid), &old) {
            Ok(None) => done.unchanged += 1,
            Ok(Some(new)) => {
                let keys = storage.signing_keys();
                match keys.reencrypt(&key.kid, &old, &new).await {
                    Ok(()) => done.changed += 1,
                    // Another run of this command was first.
                    Err(StorageError::Conflict) => done.unchanged += 1,
                    Err(error) => return Err(error),
                }
            }
            Err(SecretsError::UnknownKey(_) | SecretsError::Damaged) => {
                done.unreadable.push(key.kid);
            }
            Err(error) => return Err(StorageError::Corrupt(error.to_string())),
        }
    }
    done.secrets = outdated(storage, secrets).await?;
    Ok(done)
}

/// Names of the signing keys whose private half none of these keys decrypts.
///
/// # Errors
/// The store is away.
pub async fn unreadable(storage: &dyn Storage, secrets: &Secrets) -> StorageResult<Vec<String>> {
    let keys = storage.signing_keys().list().await?;
    let unreadable = keys.into_iter().filter(|key| {
        let sealed = key.private_encrypted.as_deref();
        sealed.is_some_and(|sealed| secrets.decrypt(&context(&key.kid), sealed).is_err())
    });
    Ok(unreadable.map(|key| key.kid).collect())
}

/// What one credential's secrets need.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Nothing,
    Imported,
    OlderKey,
    Unusable,
}

async fn outdated(storage: &dyn Storage, secrets: &Secrets) -> StorageResult<OutdatedSecrets> {
    const AT_ONCE: u32 = 100;
    let mut counts = OutdatedSecrets::default();
    // An agent that registers meanwhile moves the others on, so one may be seen twice; none is missed.
    let mut seen: HashSet<Uuid> = HashSet::new();
    for page in 1.. {
        let paging = Paging {
            page,
            limit: AT_ONCE,
        };
        let filter = AgentFilter::default();
        let agents = storage.agents();
        let agents = agents.list(Reach::Everywhere, &filter, paging).await?.items;
        if agents.is_empty() {
            break;
        }
        for agent in agents {
            let Some(client) = storage.credentials().client(agent.agent_id).await? else {
                continue;
            };
            for credential in client.credentials {
                if !seen.insert(credential.credential_id) {
                    continue;
                }
                let hashes = credential.secrets.iter();
                match hashes.map(|secret| need(&secret.hash, secrets)).max() {
                    None | Some(Need::Nothing) => {}
                    Some(Need::Imported) => counts.imported += 1,
                    Some(Need::OlderKey) => counts.older_key += 1,
                    Some(Need::Unusable) => counts.unusable += 1,
                }
            }
        }
    }
    Ok(counts)
}

fn need(hash: &str, secrets: &Secrets) -> Need {
    let hasher = secrets.hasher();
    let here = SecretHash::parse(hash).map(|hash| hash.key());
    let key = here
        .ok()
        .or_else(|| Reference::parse(hash).map(|it| it.key));
    match key {
        Some(key) if hasher.is_current(key) => Need::Nothing,
        Some(key) if hasher.knows(key) => Need::OlderKey,
        None if ImportedHash::parse(hash).is_ok() => Need::Imported,
        _ => Need::Unusable,
    }
}

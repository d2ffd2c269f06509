//! How the set of keys comes to be at a start, and how it follows the store afterwards. What signs is what the store says:
//! a key that is configured is published there first, and signs when its time has come (`schedule`).

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::schedule::active;
use super::steward::Steward;
use super::{KeyError, KeySet, PublicKey, SigningAlgorithm, SigningKey};
use crate::clock::Clock;
use crate::config::Config;
use crate::secrets::Secrets;
use crate::storage::{KeyState, SigningKeyRecord, Storage};
use crate::wire::Secret;

/// What the configuration says of signing keys.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// `JWT_SIGNING_ALG`.
    pub algorithm: SigningAlgorithm,
    /// `JWT_PRIVATE_KEY`, PEM; `None`: a key is made and kept encrypted in the store.
    pub private_key: Option<Secret>,
    /// `JWT_PUBLIC_KEY`, PEM; checked against the private one.
    pub public_key: Option<String>,
    /// `JWKS_CACHE_TTL_SECONDS`.
    pub cache_for: Duration,
    /// `OIDC_FORCE_KEY_ROTATION`.
    pub force_rotation: Option<String>,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            algorithm: SigningAlgorithm::default(),
            private_key: None,
            public_key: None,
            cache_for: Duration::from_secs(3600),
            force_rotation: None,
        }
    }
}

impl From<&Config> for KeySettings {
    fn from(config: &Config) -> Self {
        Self {
            algorithm: config.signing_algorithm,
            private_key: config.jwt_private_key.clone(),
            public_key: config.jwt_public_key.clone(),
            cache_for: config.jwks_cache_ttl,
            force_rotation: config.force_key_rotation.clone(),
        }
    }
}

/// The keys of a start.
pub(super) async fn load(
    steward: &Steward,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Result<KeySet, KeyError> {
    let records = steward.ensure().await?;
    let active = active(&records).ok_or(KeyError::NoneActive)?;
    let signing = match steward.configured_as(&active.kid) {
        Some(configured) => configured,
        None => Arc::new(decrypt(active, secrets)?),
    };
    assemble(1, signing, &records, clock)
}

/// The keys after the store's changed. A private half that is here already is not decrypted again.
pub(super) async fn reload(
    before: &KeySet,
    storage: &dyn Storage,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Result<KeySet, KeyError> {
    let records = storage.signing_keys().list().await?;
    let active = active(&records).ok_or(KeyError::NoneActive)?;
    let signing = if before.signing().public().kid() == active.kid {
        Arc::clone(before.signing())
    } else {
        Arc::new(decrypt(active, secrets)?)
    };
    assemble(before.version() + 1, signing, &records, clock)
}

fn assemble(
    version: u64,
    signing: Arc<SigningKey>,
    records: &[SigningKeyRecord],
    clock: &dyn Clock,
) -> Result<KeySet, KeyError> {
    let now = clock.now();
    let verifies = |key: &&SigningKeyRecord| {
        key.state != KeyState::Revoked && key.expires_at.is_none_or(|end| end > now)
    };
    let verifying = || records.iter().filter(verifies);
    let until = verifying().filter_map(|key| key.expires_at).min();
    let verifying: Vec<PublicKey> = verifying()
        .map(|key| PublicKey::from_jwk(&key.public_jwk))
        .collect::<Result<_, _>>()?;
    KeySet::new(version, signing, verifying, until)
}

/// Refuses encryption keys that open nothing here: what is written under them, no server of this store reads.
///
/// One private half that opens is enough, so that a key which does not can still be revoked.
///
/// # Errors
/// Why the newest does not open.
pub(super) fn check_opens(keys: &[SigningKeyRecord], secrets: &Secrets) -> Result<(), KeyError> {
    let mut fault = None;
    for key in keys.iter().filter(|key| key.private_encrypted.is_some()) {
        match decrypt(key, secrets) {
            Ok(_) => return Ok(()),
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    fault.map_or(Ok(()), Err)
}

/// The same for what is about to be written beside the signing keys.
///
/// # Errors
/// As [`check_opens`], and when the store is away.
pub async fn refuse_other_encryption_key(
    storage: &dyn Storage,
    secrets: &Secrets,
) -> Result<(), KeyError> {
    check_opens(&storage.signing_keys().list().await?, secrets)
}

fn decrypt(record: &SigningKeyRecord, secrets: &Secrets) -> Result<SigningKey, KeyError> {
    let algorithm = record.algorithm.parse().map_err(|_| KeyError::Malformed)?;
    let sealed = record
        .private_encrypted
        .as_deref()
        .ok_or(KeyError::Malformed)?;
    let pkcs8 = secrecy::SecretSlice::from(secrets.decrypt(&context(&record.kid), sealed)?);
    let key = SigningKey::from_pkcs8(pkcs8.expose_secret(), algorithm)
        .map_err(|_| KeyError::Malformed)?;
    if key.public().kid() == record.kid {
        Ok(key)
    } else {
        Err(KeyError::Malformed)
    }
}

/// The place that an encrypted private half is bound to.
pub(super) fn context(kid: &str) -> String {
    format!("signing_keys/private/{kid}")
}

//! How the set of keys comes to be at a start, and how it follows the store afterwards.
//!
//! The key that shall sign is the configured one, else the stored active one of the configured
//! algorithm, else a fresh one. Replacing the active key is one rotation in the store: the old one
//! retires and verifies until its last token has expired. Two instances that do so at once make one
//! rotation; the loser reads again. The state *next* (published before it signs) is honoured when
//! it is found; the schedule that makes use of it is not part of this module.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::{KeyError, KeySet, PublicKey, SigningAlgorithm, SigningKey};
use crate::audit::{AuditAction, NewEvent};
use crate::clock::Clock;
use crate::secrets::Secrets;
use crate::storage::{KeyRotation, KeyState, SigningKeyRecord, Storage, StorageError};
use crate::tokens::ACCESS_TOKEN_LIFETIME;
use crate::wire::Secret;

/// How often a start tries again when other instances rotate at the same moment.
const ATTEMPTS_MAX: usize = 5;
/// How much longer than its last token a retired key verifies: clocks of other machines.
const RETIREMENT_SLACK: Duration = Duration::from_secs(300);

/// What the configuration says of signing keys.
#[derive(Clone, Debug, Default)]
pub struct KeySettings {
    /// `JWT_SIGNING_ALG`.
    pub algorithm: SigningAlgorithm,
    /// `JWT_PRIVATE_KEY`, PEM; `None`: a key is made and kept encrypted in the store.
    pub private_key: Option<Secret>,
    /// `JWT_PUBLIC_KEY`, PEM; checked against the private one.
    pub public_key: Option<String>,
}

/// The keys of a start.
pub(super) async fn load(
    settings: &KeySettings,
    storage: &dyn Storage,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Result<KeySet, KeyError> {
    let configured = configured(settings)?;
    for _ in 0..ATTEMPTS_MAX {
        let records = storage.signing_keys().list().await?;
        let active = records.iter().find(|key| key.state == KeyState::Active);
        if let Some(active) = active
            && is_wanted(active, settings, configured.as_ref())
        {
            let signing = match &configured {
                Some(key) => Arc::clone(key),
                None => Arc::new(decrypt(active, secrets)?),
            };
            return assemble(1, signing, &records, clock);
        }
        let signing = match &configured {
            Some(key) => Arc::clone(key),
            None => Arc::new(SigningKey::generate(settings.algorithm)?),
        };
        match replace_active(&signing, &records, storage, secrets, clock).await {
            Ok(()) | Err(KeyError::Storage(StorageError::Conflict)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(KeyError::Contended)
}

/// The keys after the store's changed. A private half that is here already is not decrypted again.
pub(super) async fn reload(
    before: &KeySet,
    storage: &dyn Storage,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Result<KeySet, KeyError> {
    let records = storage.signing_keys().list().await?;
    let active = records
        .iter()
        .find(|key| key.state == KeyState::Active)
        .ok_or(KeyError::NoneActive)?;
    let signing = if before.signing().public().kid() == active.kid {
        Arc::clone(before.signing())
    } else {
        Arc::new(decrypt(active, secrets)?)
    };
    assemble(before.version() + 1, signing, &records, clock)
}

fn configured(settings: &KeySettings) -> Result<Option<Arc<SigningKey>>, KeyError> {
    let Some(pem) = &settings.private_key else {
        return Ok(None);
    };
    let key = SigningKey::from_pem(pem.expose(), settings.algorithm)?;
    if let Some(public) = &settings.public_key {
        key.check_public_pem(public)?;
    }
    Ok(Some(Arc::new(key)))
}

fn is_wanted(
    active: &SigningKeyRecord,
    settings: &KeySettings,
    configured: Option<&Arc<SigningKey>>,
) -> bool {
    match configured {
        Some(key) => key.public().kid() == active.kid,
        None => active.algorithm == settings.algorithm.name(),
    }
}

/// Makes `signing` the active key of the store.
async fn replace_active(
    signing: &SigningKey,
    records: &[SigningKeyRecord],
    storage: &dyn Storage,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Result<(), KeyError> {
    let now = clock.now();
    let kid = signing.public().kid();
    let mut rotation = KeyRotation::default();
    if let Some(active) = records.iter().find(|key| key.state == KeyState::Active) {
        rotation.expected_active = Some(active.kid.clone());
        rotation.update.push(SigningKeyRecord {
            state: KeyState::Retiring,
            retired_at: Some(now),
            expires_at: Some(now.plus(ACCESS_TOKEN_LIFETIME + RETIREMENT_SLACK)),
            ..active.clone()
        });
        rotation.events = rotated_event(storage, &active.kid, kid).await?;
    }
    match records.iter().find(|key| key.kid == kid) {
        Some(known) if known.state == KeyState::Revoked => {
            return Err(KeyError::Revoked(kid.to_owned()));
        }
        Some(known) => rotation.update.push(SigningKeyRecord {
            state: KeyState::Active,
            activated_at: Some(now),
            retired_at: None,
            expires_at: None,
            ..known.clone()
        }),
        None => rotation.insert.push(SigningKeyRecord {
            kid: kid.to_owned(),
            algorithm: signing.public().algorithm().name().to_owned(),
            state: KeyState::Active,
            public_jwk: serde_json::to_string(signing.public().jwk())
                .map_err(|_| KeyError::Crypto)?,
            private_encrypted: Some(
                secrets.encrypt(&context(kid), signing.to_pkcs8()?.expose_secret())?,
            ),
            created_at: now,
            activated_at: Some(now),
            retired_at: None,
            expires_at: None,
            revoked_at: None,
        }),
    }
    Ok(storage.signing_keys().rotate(rotation).await?)
}

async fn rotated_event(
    storage: &dyn Storage,
    from: &str,
    to: &str,
) -> Result<Vec<NewEvent>, KeyError> {
    let Some(system) = storage.organizations().system().await? else {
        return Ok(Vec::new());
    };
    let event = NewEvent::of_server(system.organization_id, None, AuditAction::KeyRotated);
    Ok(vec![event.with("previousKid", from).with("kid", to)])
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
    let verifying: Vec<PublicKey> = records
        .iter()
        .filter(verifies)
        .map(|key| PublicKey::from_jwk(&key.public_jwk))
        .collect::<Result<_, _>>()?;
    KeySet::new(version, signing, verifying)
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

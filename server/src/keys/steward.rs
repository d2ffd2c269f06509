//! Changing the stored keys: taking in what is configured, publishing, rotating, revoking.
//!
//! Every change is thought out for the active and next keys that were read; when others are there by then, the store
//! refuses it and it is thought out again. So two instances that rotate at once make one rotation.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::{
    KeyError, KeySettings, SigningAlgorithm, SigningKey,
    change::Change,
    load::{check_opens, context},
    schedule::{Schedule, Step, active, retires_until, successor},
};
use crate::{
    audit::{AuditAction, NewEvent},
    clock::{Clock, Timestamp},
    secrets::Secrets,
    storage::{KeyState, SigningKeyRecord, Storage, StorageError},
};

/// How often a change is thought out again when others change the keys at the same moment.
const ATTEMPTS_MAX: usize = 5;
/// Where the store keeps which rotation was forced last.
const FORCED: &str = "keys/forced-rotation";

/// What came of asking for a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// This key signs now.
    Signs(String),
    /// This key is published now; it signs from then on.
    Published(String, Timestamp),
    /// This key had been published already; it signs from then on.
    UnderWay(String, Timestamp),
}

/// What came of revoking a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It is revoked; another key signs as before.
    Done,
    /// It is revoked, and was the one that signed: this one signs now.
    Replaced(String),
    /// It was revoked before.
    Already,
    /// There is no such key.
    Unknown,
}

/// Changes the keys of one store.
pub struct Steward {
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    settings: KeySettings,
    configured: Option<Arc<SigningKey>>,
}

impl Steward {
    /// Reads what is configured.
    pub fn new(
        settings: KeySettings,
        storage: Arc<dyn Storage>,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            configured: configured(&settings)?,
            storage,
            secrets,
            clock,
            settings,
        })
    }

    /// Every key, newest first.
    pub async fn keys(&self) -> Result<Vec<SigningKeyRecord>, KeyError> {
        Ok(self.storage.signing_keys().list().await?)
    }

    /// Every key, before one is changed.
    async fn keys_to_change(&self) -> Result<Vec<SigningKeyRecord>, KeyError> {
        let keys = self.keys().await?;
        check_opens(&keys, &self.secrets)?;
        Ok(keys)
    }

    /// The rhythm.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            cache_for: self.settings.cache_for,
            automatic: self.configured.is_none(),
        }
    }

    /// The configured key, when it is the one of that name.
    pub(super) fn configured_as(&self, kid: &str) -> Option<Arc<SigningKey>> {
        let ours = self.configured.as_ref();
        ours.filter(|key| key.public().kid() == kid).cloned()
    }

    /// For a start: makes sure that a key signs, and that what is configured is at least published.
    pub(super) async fn ensure(&self) -> Result<Vec<SigningKeyRecord>, KeyError> {
        for _ in 0..ATTEMPTS_MAX {
            let keys = self.keys_to_change().await?;
            let change = match active(&keys) {
                None => Some(self.begin(&keys, successor(&keys))?),
                Some(_) => self.wanted(&keys)?,
            };
            let Some(change) = change else {
                self.force_once(&keys).await?;
                return self.keys().await;
            };
            self.apply(change).await?;
        }
        Err(KeyError::Contended)
    }

    /// Does what the schedule says. Answers whether anything changed.
    pub async fn follow_schedule(&self) -> Result<bool, KeyError> {
        let keys = self.keys().await?;
        let change = match self.schedule().step(&keys, self.clock.now()) {
            Step::Wait => return Ok(false),
            Step::Publish => self.publish(&keys, self.fresh(&keys)?.as_ref())?,
            Step::Activate(kid) => {
                let next = keys.iter().find(|key| key.kid == kid);
                self.begin(&keys, next)?
            }
        };
        check_opens(&keys, &self.secrets)?;
        self.apply(change).await
    }

    /// Begins a rotation, or goes on with the one that is under way; `at_once`: without waiting for anybody's cache.
    pub async fn rotate(&self, at_once: bool) -> Result<Rotated, KeyError> {
        for _ in 0..ATTEMPTS_MAX {
            let keys = self.keys_to_change().await?;
            let next = successor(&keys);
            let now = self.clock.now();
            let (change, outcome) = match next {
                Some(next) if !at_once && self.schedule().signs_from(next.published_at) > now => {
                    let from = self.schedule().signs_from(next.published_at);
                    return Ok(Rotated::UnderWay(next.kid.clone(), from));
                }
                None if !at_once && active(&keys).is_some() => {
                    let change = self.publish(&keys, self.fresh(&keys)?.as_ref())?;
                    let made = change.publishes().ok_or(KeyError::NoneActive)?;
                    let from = self.schedule().signs_from(made.published_at);
                    let outcome = Rotated::Published(made.kid.clone(), from);
                    (change, outcome)
                }
                next => {
                    let change = self.begin(&keys, next)?;
                    let kid = change.begins().to_owned();
                    (change, Rotated::Signs(kid))
                }
            };
            if self.apply(change).await? {
                return Ok(outcome);
            }
        }
        Err(KeyError::Contended)
    }

    /// Ends a key and everything it signed, at once.
    pub async fn revoke(&self, kid: &str) -> Result<Revoked, KeyError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut keys = self.keys_to_change().await?;
            let Some(place) = keys.iter().position(|key| key.kid == kid) else {
                return Ok(Revoked::Unknown);
            };
            let before = Change::of(&keys);
            let state = std::mem::replace(&mut keys[place].state, KeyState::Revoked);
            if state == KeyState::Revoked {
                return Ok(Revoked::Already);
            }
            keys[place].revoked_at = Some(self.clock.now());
            let mut change = if state == KeyState::Active {
                self.begin(&keys, successor(&keys))?
            } else {
                Change::default()
            };
            let outcome = match state {
                KeyState::Active => Revoked::Replaced(change.begins().to_owned()),
                _ => Revoked::Done,
            };
            change.rotation.expected_active = before.rotation.expected_active;
            change.rotation.expected_next = before.rotation.expected_next;
            change.rotation.update.push(keys[place].clone());
            change.facts.push(("revokedKid", kid.to_owned()));
            if self.apply(change).await? {
                return Ok(outcome);
            }
        }
        Err(KeyError::Contended)
    }

    /// What a start has to change although a key signs.
    fn wanted(&self, keys: &[SigningKeyRecord]) -> Result<Option<Change>, KeyError> {
        let Some(configured) = &self.configured else {
            let algorithm = self.settings.algorithm.name();
            let there = |key: &&SigningKeyRecord| {
                matches!(key.state, KeyState::Active | KeyState::Next) && key.algorithm == algorithm
            };
            return match keys.iter().find(there) {
                Some(_) => Ok(None),
                None => {
                    let made = SigningKey::generate(self.settings.algorithm)?;
                    self.publish(keys, &made).map(Some)
                }
            };
        };
        let kid = configured.public().kid();
        match keys.iter().find(|key| key.kid == kid).map(|key| key.state) {
            None => self.publish(keys, configured).map(Some),
            Some(KeyState::Active | KeyState::Next) => Ok(None),
            Some(KeyState::Revoked) => Err(KeyError::Revoked(kid.to_owned())),
            // To go back by itself would rotate to and fro while instances are being updated one by one.
            Some(KeyState::Retiring) => {
                tracing::warn!(
                    kid,
                    "JWT_PRIVATE_KEY was replaced by a newer key, which signs; `agentidp keys rotate` goes back to it"
                );
                Ok(None)
            }
        }
    }

    /// The rotation that `OIDC_FORCE_KEY_ROTATION` asks for, once for each value it has.
    async fn force_once(&self, keys: &[SigningKeyRecord]) -> Result<(), KeyError> {
        let Some(label) = &self.settings.force_rotation else {
            return Ok(());
        };
        let materials = self.storage.materials();
        let done = materials.get(FORCED).await?;
        if done.as_deref() == Some(label.as_bytes()) {
            return Ok(());
        }
        if successor(keys).is_none() {
            self.rotate(false).await?;
        }
        let kept = materials.replace(FORCED, done.as_deref(), label.as_bytes());
        match kept.await {
            // Another instance did the same.
            Ok(()) | Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The key that comes after all others: the configured one when it does not sign, else one that is made, of the same
    /// algorithm as the last that signed.
    fn fresh(&self, keys: &[SigningKeyRecord]) -> Result<Arc<SigningKey>, KeyError> {
        if let Some(configured) = &self.configured {
            let kid = configured.public().kid();
            let used = keys.iter().find(|key| key.kid == kid);
            if used.is_none_or(|key| key.state == KeyState::Retiring) {
                return Ok(Arc::clone(configured));
            }
        }
        let signed = keys.iter().filter(|key| key.activated_at.is_some());
        let algorithm: SigningAlgorithm = match signed.max_by_key(|key| key.activated_at) {
            Some(last) => last.algorithm.parse().map_err(|_| KeyError::Malformed)?,
            None => self.settings.algorithm,
        };
        Ok(Arc::new(SigningKey::generate(algorithm)?))
    }

    /// Puts a key among the published ones: what it will sign is believed from now on, so it is told now.
    fn publish(&self, keys: &[SigningKeyRecord], key: &SigningKey) -> Result<Change, KeyError> {
        let mut change = Change::of(keys);
        let kid = key.public().kid().to_owned();
        change.facts.push(("publishedKid", kid));
        change.put(self.record(keys, key, KeyState::Next)?, keys);
        Ok(change)
    }

    /// Lets a key sign: a published one, or - for the first, or in an emergency - a fresh one.
    fn begin(
        &self,
        keys: &[SigningKeyRecord],
        next: Option<&SigningKeyRecord>,
    ) -> Result<Change, KeyError> {
        let now = self.clock.now();
        let mut change = Change::of(keys);
        let begins = match next {
            Some(next) => next.clone(),
            None => self.record(keys, self.fresh(keys)?.as_ref(), KeyState::Next)?,
        };
        let ends = |key: &&SigningKeyRecord| {
            key.kid != begins.kid && matches!(key.state, KeyState::Active | KeyState::Next)
        };
        for key in keys.iter().filter(ends) {
            // What never signed need not be published any longer.
            let until = match key.state {
                KeyState::Active => retires_until(now),
                _ => now,
            };
            change.rotation.update.push(SigningKeyRecord {
                state: KeyState::Retiring,
                retired_at: Some(now),
                expires_at: Some(until),
                ..key.clone()
            });
        }
        if let Some(active) = active(keys) {
            change.facts.push(("previousKid", active.kid.clone()));
        }
        change.facts.push(("kid", begins.kid.clone()));
        let begins = SigningKeyRecord {
            state: KeyState::Active,
            activated_at: Some(now),
            retired_at: None,
            expires_at: None,
            ..begins
        };
        change.put(begins, keys);
        Ok(change)
    }

    /// A key as it is stored, newly published.
    fn record(
        &self,
        keys: &[SigningKeyRecord],
        key: &SigningKey,
        state: KeyState,
    ) -> Result<SigningKeyRecord, KeyError> {
        let now = self.clock.now();
        let kid = key.public().kid();
        let imported = self.configured_as(kid).is_some();
        if let Some(known) = keys.iter().find(|known| known.kid == kid) {
            if known.state == KeyState::Revoked {
                return Err(KeyError::Revoked(kid.to_owned()));
            }
            return Ok(SigningKeyRecord {
                state,
                imported,
                published_at: now,
                retired_at: None,
                expires_at: None,
                ..known.clone()
            });
        }
        let private = self
            .secrets
            .encrypt(&context(kid), key.to_pkcs8()?.expose_secret())?;
        Ok(SigningKeyRecord {
            kid: kid.to_owned(),
            algorithm: key.public().algorithm().name().to_owned(),
            state,
            public_jwk: serde_json::to_string(key.public().jwk()).map_err(|_| KeyError::Crypto)?,
            private_encrypted: Some(private),
            imported,
            created_at: now,
            published_at: now,
            activated_at: None,
            retired_at: None,
            expires_at: None,
            revoked_at: None,
        })
    }

    /// Writes a change with its event. `false`: others changed the keys first.
    async fn apply(&self, change: Change) -> Result<bool, KeyError> {
        let Change {
            mut rotation,
            facts,
        } = change;
        // A first key replaces nothing.
        let tells = facts.iter().any(|(name, _)| *name != "kid");
        if tells && let Some(system) = self.storage.organizations().system().await? {
            let organization = system.organization_id;
            let mut event = NewEvent::of_server(organization, None, AuditAction::KeyRotated);
            for (name, value) in facts {
                event = event.with(name, value);
            }
            rotation.events.push(event);
        }
        match self.storage.signing_keys().rotate(rotation).await {
            Ok(()) => Ok(true),
            Err(StorageError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
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

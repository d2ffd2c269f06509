//! Signing keys as stored. The private half arrives encrypted and leaves encrypted.
//!
//! Refuses: making, encrypting or using keys, and when to rotate.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{StorageResult, words::key_word};
use crate::{audit::NewEvent, clock::Timestamp};

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not signing yet.
    Next,
    /// Signs. At most one key is active.
    Active,
    /// Published until its last token has expired, signs no more.
    Retiring,
    /// Not published; what it signed is refused.
    Revoked,
}

/// A signing key.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// JWS algorithm.
    pub algorithm: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public JWK, as JSON.
    pub public_jwk: String,
    /// The private half, encrypted; `None` when only the public half is known here.
    pub private_encrypted: Option<Vec<u8>>,
    /// Whether it came from the configuration, and was not made here.
    pub imported: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last put among the published ones.
    pub published_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
    /// When its last token has expired and it need not be published any more.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl std::fmt::Debug for SigningKeyRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SigningKeyRecord")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A change of the set of keys, all or nothing.
#[derive(Clone, Debug, Default)]
pub struct KeyRotation {
    /// The active key the change was thought out for; another one by now is a `Conflict`.
    pub expected_active: Option<String>,
    /// The keys in the state next that the change was thought out for, in any order; others by now are a `Conflict`.
    pub expected_next: Vec<String>,
    /// New keys.
    pub insert: Vec<SigningKeyRecord>,
    /// Keys as they shall be, named by `kid`. Public and private halves stay as they are.
    pub update: Vec<SigningKeyRecord>,
    /// What goes into the audit log.
    pub events: Vec<NewEvent>,
}

impl KeyRotation {
    /// Whether these active and next keys, by `kid` and state, are those it was thought out for.
    pub(super) fn expects(&self, present: &[(String, String)]) -> bool {
        let in_state = |state| {
            let word = key_word(state);
            let kids = present.iter().filter(move |(_, have)| have == word);
            kids.map(|(kid, _)| kid.as_str()).collect::<BTreeSet<_>>()
        };
        in_state(KeyState::Active) == self.expected_active.iter().map(String::as_str).collect()
            && in_state(KeyState::Next) == self.expected_next.iter().map(String::as_str).collect()
    }
}

/// Signing keys.
#[async_trait]
pub trait SigningKeyStore: Send + Sync {
    /// Every key, newest first.
    async fn list(&self) -> StorageResult<Vec<SigningKeyRecord>>;
    /// Changes the set of keys; two instances that rotate at once make one rotation. The first key of all is a rotation
    /// that expects no active one.
    ///
    /// # Errors
    /// `Conflict` when another key is active or next than expected, or a `kid` exists; `NotFound` for an unknown `kid` to update.
    async fn rotate(&self, rotation: KeyRotation) -> StorageResult<()>;
    /// Replaces a key's encrypted private half by another encryption of it.
    ///
    /// # Errors
    /// `Conflict` when it is no longer `old`.
    async fn reencrypt(&self, kid: &str, old: &[u8], new: &[u8]) -> StorageResult<()>;
}

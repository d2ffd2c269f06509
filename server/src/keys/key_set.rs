//! The keys of one moment: the one that signs and all that still verify.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Jwk, KeyError, PublicKey, SigningKey};
use crate::clock::Timestamp;

/// An immutable set of keys. A key that may still have live tokens is in it; a revoked one is not.
#[derive(Debug)]
pub struct KeySet {
    version: u64,
    signing: Arc<SigningKey>,
    verifying: HashMap<String, PublicKey>,
    /// In the order in which they are published.
    kids: Vec<String>,
    /// When the first of them has to go.
    until: Option<Timestamp>,
}

impl KeySet {
    /// `verifying` holds the signing key's public half too; the order is that of publication.
    pub(super) fn new(
        version: u64,
        signing: Arc<SigningKey>,
        verifying: Vec<PublicKey>,
        until: Option<Timestamp>,
    ) -> Result<Self, KeyError> {
        let kids: Vec<String> = verifying.iter().map(|key| key.kid().to_owned()).collect();
        let verifying: HashMap<_, _> = verifying
            .into_iter()
            .map(|key| (key.kid().to_owned(), key))
            .collect();
        if !verifying.contains_key(signing.public().kid()) {
            return Err(KeyError::NoneActive);
        }
        Ok(Self {
            version,
            signing,
            verifying,
            kids,
            until,
        })
    }

    /// Differs between any two sets of this process: what was verified under another version is
    /// verified again.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether a key in it has expired by `now`.
    pub fn is_outdated(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// The key that signs.
    pub fn signing(&self) -> &Arc<SigningKey> {
        &self.signing
    }

    /// The key of that name, if it is one of ours and not revoked.
    pub fn verifying(&self, kid: &str) -> Option<&PublicKey> {
        self.verifying.get(kid)
    }

    /// What `/.well-known/jwks.json` publishes.
    pub fn jwks(&self) -> Vec<&Jwk> {
        self.kids
            .iter()
            .filter_map(|kid| self.verifying.get(kid))
            .map(PublicKey::jwk)
            .collect()
    }
}

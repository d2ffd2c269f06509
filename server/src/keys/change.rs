//! A change of the stored keys while it is thought out.

use super::schedule::active;
use crate::storage::{KeyRotation, KeyState, SigningKeyRecord};

/// A change of the keys, and what the audit log will say of it.
#[derive(Default)]
pub(super) struct Change {
    /// What is written.
    pub rotation: KeyRotation,
    /// What the event says.
    pub facts: Vec<(&'static str, String)>,
}

impl Change {
    /// Nothing yet, thought out for these keys.
    pub fn of(keys: &[SigningKeyRecord]) -> Self {
        let next = keys.iter().filter(|key| key.state == KeyState::Next);
        Self {
            rotation: KeyRotation {
                expected_active: active(keys).map(|key| key.kid.clone()),
                expected_next: next.map(|key| key.kid.clone()).collect(),
                ..KeyRotation::default()
            },
            facts: Vec::new(),
        }
    }

    /// A key as it shall be, whether it is stored already or not.
    pub fn put(&mut self, key: SigningKeyRecord, known: &[SigningKeyRecord]) {
        if known.iter().any(|other| other.kid == key.kid) {
            self.rotation.update.push(key);
        } else {
            self.rotation.insert.push(key);
        }
    }

    /// The key that is published by it, when it publishes one.
    pub fn publishes(&self) -> Option<&SigningKeyRecord> {
        let mut written = self.rotation.insert.iter().chain(&self.rotation.update);
        written.find(|key| key.state == KeyState::Next)
    }

    /// The key that signs after it, when it changes that.
    pub fn begins(&self) -> &str {
        let kid = self.facts.iter().find(|(name, _)| *name == "kid");
        kid.map_or("", |(_, kid)| kid)
    }
}

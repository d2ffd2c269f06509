//! Signing keys: their algorithms, their names, their life, and the two things done with them -
//! signing tokens and publishing what verifies them.
//!
//! Owns: reading and making keys, the states a key goes through, the set of keys in use.
//! Refuses: what a token says (`tokens`), whether a token is still good (`auth`, `revocation`), and
//! keeping a private half anywhere unencrypted.

mod algorithm;
mod change;
mod error;
mod key_set;
mod load;
mod pem;
mod public_key;
mod reencrypt;
mod schedule;
mod schedule_job;
mod signing_key;
mod steward;

#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;

pub use algorithm::{SigningAlgorithm, UnknownAlgorithm};
pub use error::KeyError;
pub use key_set::KeySet;
pub use load::{KeySettings, refuse_other_encryption_key};
pub use public_key::{Jwk, PublicKey};
pub use reencrypt::{OutdatedSecrets, Reencrypted, reencrypt, unreadable};
pub use schedule::{SIGNING_TIME, Schedule, Step, successor};
pub use schedule_job::ScheduleJob;
pub use signing_key::{RSA_BITS_MIN, SigningKey, TokenType};
pub use steward::{Revoked, Rotated, Steward};

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::{clock::Clock, secrets::Secrets, storage::Storage};

/// The keys in use, which the follower replaces when another instance rotates them.
pub struct Keys {
    current: ArcSwap<KeySet>,
    steward: Steward,
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
}

impl Keys {
    /// Reads the stored keys. The first of all is made, or taken from the configuration, and signs at once; a configured key
    /// that is not there yet is published.
    pub async fn load(
        settings: KeySettings,
        storage: Arc<dyn Storage>,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyError> {
        let steward = Steward::new(
            settings,
            Arc::clone(&storage),
            secrets.clone(),
            Arc::clone(&clock),
        )?;
        let set = load::load(&steward, &secrets, clock.as_ref()).await?;
        Ok(Self {
            current: ArcSwap::from_pointee(set),
            steward,
            storage,
            secrets,
            clock,
        })
    }

    /// Changes the stored keys.
    pub fn steward(&self) -> &Steward {
        &self.steward
    }

    /// The keys of now. Cheap; not to be held across an await.
    pub fn current(&self) -> Guard<Arc<KeySet>> {
        self.current.load()
    }

    /// Reads the stored keys again when one of them has expired.
    pub async fn drop_expired(&self) -> Result<(), KeyError> {
        if self.current().is_outdated(self.clock.now()) {
            self.reload().await?;
        }
        Ok(())
    }

    /// Reads the stored keys again: another instance changed them.
    pub async fn reload(&self) -> Result<(), KeyError> {
        let before = self.current.load_full();
        let set = load::reload(
            &before,
            self.storage.as_ref(),
            &self.secrets,
            self.clock.as_ref(),
        )
        .await?;
        self.current.store(Arc::new(set));
        Ok(())
    }
}

//! When a key is published, when it begins to sign, and when it is due to be replaced. Pure: records and a moment in, the
//! next step out.
//!
//! ```text
//!            publish             activate                    expire
//!   (none) ----------> next ---------------> active --> retiring --> (not published any more)
//!           at 90 days     after twice the         for a token's
//!           less that      JWKS cache time         lifetime + 5 min
//! ```
//! The first cache time is for clients: whoever fetched the keys before the publication fetches them again within it. The
//! second is for everything that is late: instances that follow, clocks that differ, caches that round up.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    storage::{KeyState, SigningKeyRecord},
    tokens::ACCESS_TOKEN_LIFETIME,
};

/// How long a key that was made here signs.
pub const SIGNING_TIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many JWKS cache times a key is published before it signs.
const CACHE_TIMES_AHEAD: u32 = 2;
/// How much longer than its last token a retired key verifies: clocks of other machines.
const RETIREMENT_SLACK: Duration = Duration::from_secs(300);

/// What is to be done with the keys now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// A fresh key is to be published.
    Publish,
    /// The key of that name is to sign.
    Activate(String),
}

/// The rhythm of one store's keys.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// How long clients keep the published keys.
    pub cache_for: Duration,
    /// Whether keys are replaced by themselves.
    pub automatic: bool,
}

impl Schedule {
    /// When a key that was published then may sign.
    pub fn signs_from(&self, published_at: Timestamp) -> Timestamp {
        published_at.plus(self.cache_for * CACHE_TIMES_AHEAD)
    }

    /// What is to be done at `now`.
    pub fn step(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Step {
        if let Some(next) = successor(keys) {
            return if self.signs_from(next.published_at) <= now {
                Step::Activate(next.kid.clone())
            } else {
                Step::Wait
            };
        }
        let Some(active) = active(keys) else {
            return Step::Wait;
        };
        let begun = active.activated_at.unwrap_or(active.created_at);
        let due = begun.plus(SIGNING_TIME.saturating_sub(self.cache_for * CACHE_TIMES_AHEAD));
        if self.automatic && !active.imported && due <= now {
            Step::Publish
        } else {
            Step::Wait
        }
    }
}

/// The key that signs.
pub fn active(keys: &[SigningKeyRecord]) -> Option<&SigningKeyRecord> {
    keys.iter().find(|key| key.state == KeyState::Active)
}

/// The key that will sign after the active one: what the operator gave before what was made here, then the newest.
pub fn successor(keys: &[SigningKeyRecord]) -> Option<&SigningKeyRecord> {
    keys.iter()
        .filter(|key| key.state == KeyState::Next)
        .max_by_key(|key| (key.imported, key.published_at, &key.kid))
}

/// Until when a key that stops signing at `now` is published.
pub fn retires_until(now: Timestamp) -> Timestamp {
    now.plus(ACCESS_TOKEN_LIFETIME + RETIREMENT_SLACK)
}

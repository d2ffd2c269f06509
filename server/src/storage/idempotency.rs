//! Answers kept for a repeated `Idempotency-Key`, and the claims on those still being made.
//!
//! Refuses: what makes two requests the same, which answers are kept, and reading one: it arrives encrypted and leaves
//! encrypted.

use async_trait::async_trait;
use uuid::Uuid;

use super::StorageResult;
use crate::clock::Timestamp;

/// What came of claiming a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is yours: answer the request, then complete or release.
    Claimed,
    /// A request with this fingerprint is being answered now.
    InFlight {
        /// The other request's.
        fingerprint: [u8; 32],
    },
    /// A request with this fingerprint was answered already.
    Done {
        /// The other request's.
        fingerprint: [u8; 32],
        /// Its answer, as given to `complete`.
        answer: Vec<u8>,
    },
}

/// Where an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The client's organization.
    pub organization: Uuid,
    /// SHA-256 of client, method, path and key.
    pub key: [u8; 32],
}

/// Kept answers.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Claims a key until `lease_until`, or says why not. A claim past its lease was left behind by a process that died, and an
    /// answer past its time does not count: both are claimed anew.
    async fn claim(
        &self,
        slot: Slot,
        fingerprint: [u8; 32],
        now: Timestamp,
        lease_until: Timestamp,
    ) -> StorageResult<Claim>;
    /// Keeps the answer of a claimed key.
    ///
    /// # Errors
    /// `NotFound` when the key is not claimed.
    async fn complete(&self, slot: Slot, answer: &[u8], expires_at: Timestamp)
    -> StorageResult<()>;
    /// Gives a claim back: the request may be made again. An answered key stays.
    async fn release(&self, slot: Slot) -> StorageResult<()>;
    /// Forgets what expired before `now`. Answers how many.
    async fn forget_expired(&self, now: Timestamp) -> StorageResult<u64>;
}

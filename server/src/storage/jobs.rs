//! Jobs that run on one instance at a time: who runs one, until when, and what the last run left.
//!
//! A turn is a lease with a *fence*, a number that rises with each turn: whoever lost a turn cannot write into the next
//! one. Refuses: when a job is due, and what its note says.

use async_trait::async_trait;
use uuid::Uuid;

use super::StorageResult;
use crate::clock::Timestamp;

/// A job, as the last turn left it or the present one keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// The job.
    pub name: String,
    /// Who has the turn.
    pub holder: Option<Uuid>,
    /// Until when, unless it is renewed.
    pub lease_until: Option<Timestamp>,
    /// How many turns there were.
    pub fence: i64,
    /// When a run last succeeded.
    pub ran_at: Option<Timestamp>,
    /// What the job keeps: a result for every instance, or how far it came.
    pub note: Option<Vec<u8>>,
}

/// A turn that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The job.
    pub job: &'static str,
    /// Which turn.
    pub fence: i64,
}

/// Asks for a turn.
#[derive(Clone, Copy, Debug)]
pub struct TakeTurn {
    /// The job.
    pub job: &'static str,
    /// Who asks.
    pub holder: Uuid,
    /// The job as the asker knows it: its last turn. Another one by now is a refusal.
    pub known_fence: i64,
    /// The asker's time: a lease that ended before it does not count.
    pub now: Timestamp,
    /// How long the turn is kept without being renewed.
    pub lease_until: Timestamp,
    /// A lease that ends after it does not count either: the clock that noted it was wrong.
    pub lease_max: Timestamp,
}

/// Jobs and their turns.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// A job; `None` before its first turn.
    async fn get(&self, job: &'static str) -> StorageResult<Option<JobRecord>>;
    /// Takes the turn.
    ///
    /// # Errors
    /// `Conflict` when somebody has it, or had it since the asker looked.
    async fn take(&self, take: TakeTurn) -> StorageResult<Turn>;
    /// Keeps the turn for longer; a note replaces the one before.
    ///
    /// # Errors
    /// `Conflict` when the turn is over.
    async fn keep(
        &self,
        turn: &Turn,
        lease_until: Timestamp,
        note: Option<Vec<u8>>,
    ) -> StorageResult<()>;
    /// Ends the turn: with a time, the job ran; without, somebody else may run it at once.
    ///
    /// # Errors
    /// `Conflict` when the turn is over.
    async fn finish(
        &self,
        turn: &Turn,
        ran_at: Option<Timestamp>,
        note: Option<Vec<u8>>,
    ) -> StorageResult<()>;
}

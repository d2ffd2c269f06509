//! Jobs: work that comes round by itself and is done by one instance at a time.
//!
//! Whose turn it is stands in the store as a lease with a fence (`storage::JobStore`). A holder renews its lease while it
//! works; when it dies, the lease ends and any other instance takes the turn within [`LEASE`] and goes on where the note
//! says it came to. A job whose turn was lost is stopped, and its fence keeps it from writing into the next turn. Leases
//! are judged by each instance's own clock, so a clock that is ahead by more than [`LEASE`] may run a job beside another
//! instance: every job is safe to run twice.
//!
//! Owns: turns, rhythm, retries, metrics. Refuses: what a job does (each has a file or a section of its own).

mod answers;
mod chains;
mod expiring;
mod runner;
#[cfg(test)]
mod tests;

pub use answers::KeptAnswers;
pub use chains::ChainVerification;
pub use expiring::ExpiringCredentials;
pub use runner::{Jobs, Parts, Progress};

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    config::Config,
    keys::{Keys, ScheduleJob},
    storage::StorageError,
};

/// How long a turn is kept without a sign of life of its holder. After a failed run, how long until the next try.
pub const LEASE: Duration = Duration::from_secs(30);
/// How much further ahead than [`LEASE`] a lease may end and count: one beyond that was noted by a clock that has been put
/// back since, or is of an instance whose clock is worth nothing.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(3600);
/// How often a holder gives a sign of life.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// How often an instance looks whether a job is due, and what others found.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a run failed; for the log.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The store failed, or the turn was lost (`Conflict`).
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Anything else: one sentence.
    #[error("{0}")]
    Failed(String),
}

/// Something that is done again and again.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// Its name in the store, the metrics and the log.
    fn name(&self) -> &'static str;
    /// How long after a run it is due again.
    fn interval(&self) -> Duration;
    /// Does it once. It may be dropped at any await, when the turn is lost or the server stops. Answers the note to keep,
    /// if there is a new one.
    async fn run(&self, progress: &Progress) -> Result<Option<Vec<u8>>, JobError>;
    /// Every instance hears what is kept, whoever runs the job: at each change, also of an unfinished run.
    fn learn(&self, _note: &[u8]) {}
}

/// Every job of a server.
pub fn all(parts: &Parts, keys: &Arc<Keys>, config: &Config) -> Vec<Arc<dyn Job>> {
    vec![
        Arc::new(ScheduleJob(Arc::clone(keys))),
        Arc::new(ChainVerification {
            storage: Arc::clone(&parts.storage),
            metrics: Arc::clone(&parts.metrics),
            interval: config.chain_verification_interval,
        }),
        Arc::new(ExpiringCredentials {
            storage: Arc::clone(&parts.storage),
            clock: Arc::clone(&parts.clock),
            metrics: Arc::clone(&parts.metrics),
            interval: config.secrets_check_interval,
        }),
        Arc::new(KeptAnswers {
            storage: Arc::clone(&parts.storage),
            clock: Arc::clone(&parts.clock),
        }),
    ]
}

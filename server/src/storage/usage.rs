//! What organizations used, by UTC day: counted by every instance, added up here.

use std::time::Duration;

use async_trait::async_trait;

use uuid::Uuid;

use super::StorageResult;
use crate::clock::Timestamp;

/// Days since 1970-01-01, in UTC.
pub type Day = i64;

/// What was used. Negative in what is added, when something was counted that did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Authenticated calls.
    pub calls: i64,
    /// Tokens issued.
    pub tokens: i64,
}

/// What one organization used on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageOf {
    /// Who.
    pub organization: Uuid,
    /// When.
    pub day: Day,
    /// What.
    pub usage: Usage,
}

/// Counts of one process that belong together.
#[derive(Clone, Debug)]
pub struct UsageBatch {
    /// The process: a number of its own at each start.
    pub writer: Uuid,
    /// From 1; the same for each attempt to write the same batch.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What to add; an organization and a day occur once.
    pub added: Vec<UsageOf>,
}

/// Usage.
#[async_trait]
pub trait UsageStore: Send + Sync {
    /// What an organization used on a day, as far as instances wrote it.
    async fn get(&self, organization: Uuid, day: Day) -> StorageResult<Usage>;
    /// Adds a batch once, however often it is repeated: of an attempt that failed nobody knows whether it was written.
    /// Answers the sums that it touched, as they are afterwards.
    async fn add(&self, batch: UsageBatch) -> StorageResult<Vec<UsageOf>>;
}

/// How long the number of a process's last batch is kept. A batch is repeated each second until it is written.
pub(super) const WRITER_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

//! Forgets answers that were kept for an `Idempotency-Key` and have had their time: they may show secrets, and are promised
//! to go.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Job, JobError, Progress};
use crate::{clock::Clock, storage::Storage};

/// How often: how much longer than a day an answer may be kept.
const INTERVAL: Duration = Duration::from_secs(300);

/// Every five minutes.
pub struct KeptAnswers {
    /// Where they are.
    pub storage: Arc<dyn Storage>,
    /// When is now.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Job for KeptAnswers {
    fn name(&self) -> &'static str {
        "kept-answers"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn run(&self, _progress: &Progress) -> Result<Option<Vec<u8>>, JobError> {
        let now = self.clock.now();
        self.storage.idempotency().forget_expired(now).await?;
        Ok(None)
    }
}

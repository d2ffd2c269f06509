//! The schedule as a job: one instance at a time takes the step that is due.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::Keys;
use crate::jobs::{Job, JobError, Progress};

/// How often the schedule is looked at: how much later than planned a key may begin to sign.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Publishes and activates keys when it is time.
pub struct ScheduleJob(pub Arc<Keys>);

#[async_trait]
impl Job for ScheduleJob {
    fn name(&self) -> &'static str {
        "key-schedule"
    }

    fn interval(&self) -> Duration {
        LOOK_EVERY
    }

    async fn run(&self, _progress: &Progress) -> Result<Option<Vec<u8>>, JobError> {
        let steward = self.0.steward();
        match steward.follow_schedule().await {
            Ok(false) => Ok(None),
            Ok(true) => {
                tracing::info!("the signing keys changed by their schedule");
                Ok(None)
            }
            Err(error) => Err(JobError::Failed(error.to_string())),
        }
    }
}

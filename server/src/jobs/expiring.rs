//! Counts credentials that expire soon.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Job, JobError, Progress};
use crate::{clock::Clock, metrics::Metrics, storage::Storage};

/// How soon is soon.
pub const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

/// Every `SECRETS_ROTATION_CHECK_INTERVAL_MS`: `credentials_expiring_soon_total`.
pub struct ExpiringCredentials {
    /// Where credentials are.
    pub storage: Arc<dyn Storage>,
    /// When is now.
    pub clock: Arc<dyn Clock>,
    /// Where the number is shown.
    pub metrics: Arc<Metrics>,
    /// How often.
    pub interval: Duration,
}

#[async_trait]
impl Job for ExpiringCredentials {
    fn name(&self) -> &'static str {
        "expiring-credentials"
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn run(&self, _progress: &Progress) -> Result<Option<Vec<u8>>, JobError> {
        let now = self.clock.now();
        let credentials = self.storage.credentials();
        let number = credentials.count_expiring(now, now.plus(SOON)).await?;
        Ok(Some(number.to_string().into_bytes()))
    }

    fn learn(&self, note: &[u8]) {
        let number = std::str::from_utf8(note).ok().and_then(|n| n.parse().ok());
        if let Some(number) = number {
            self.metrics.set_credentials_expiring_soon(number);
        }
    }
}

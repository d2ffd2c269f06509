//! Verifies every audit chain, whole, again and again: a log that was changed in its old parts shows too.
//!
//! A sweep is slow on purpose: after each slice it rests nine times as long as the slice took, so that it takes a tenth of
//! one core and of the database at most. It keeps how far it came; whoever goes on begins there.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Job, JobError, Progress};
use crate::{
    audit::{ChainPoint, Slice, verify_slice},
    metrics::Metrics,
    storage::Storage,
};

/// How much longer than a slice took the rest after it is.
const REST: u32 = 9;
/// The longest rest: a database that was slow once need not be waited for.
const REST_MAX: Duration = Duration::from_secs(5);
/// After how many slices the place is kept.
const KEEP_EVERY: u32 = 20;

/// Every `AUDIT_CHAIN_VERIFICATION_INTERVAL_MS`: `audit_chain_integrity`.
pub struct ChainVerification {
    /// Where the log is.
    pub storage: Arc<dyn Storage>,
    /// Where the outcome is shown.
    pub metrics: Arc<Metrics>,
    /// How long after a sweep the next begins.
    pub interval: Duration,
}

/// What is kept: the outcome of the last whole sweep, and where the present one is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    /// Organizations whose chain is broken: as the last whole sweep found, and what the present one adds.
    broken: BTreeSet<Uuid>,
    sweep: Option<Sweep>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sweep {
    broken: BTreeSet<Uuid>,
    /// The last organization that is done.
    done: Option<Uuid>,
    /// The one after it, and how far its chain held.
    reached: Option<(Uuid, ChainPoint)>,
}

impl Note {
    fn read(bytes: Option<&[u8]>) -> Self {
        // What another version wrote is worth a new sweep, no more.
        bytes
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or_default()
    }

    fn write(&self) -> Result<Vec<u8>, JobError> {
        serde_json::to_vec(self).map_err(|error| JobError::Failed(error.to_string()))
    }
}

#[async_trait]
impl Job for ChainVerification {
    fn name(&self) -> &'static str {
        "audit-chain-verification"
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    async fn run(&self, progress: &Progress) -> Result<Option<Vec<u8>>, JobError> {
        let mut note = Note::read(progress.note());
        let mut slices = 0;
        while let Some(found_broken) = self.step(&mut note).await? {
            slices += 1;
            // A break is told at once, and stays told until a whole sweep finds none.
            if found_broken || slices % KEEP_EVERY == 0 {
                progress.keep(note.write()?).await?;
            }
        }
        note.broken = note.sweep.take().unwrap_or_default().broken;
        Ok(Some(note.write()?))
    }

    fn learn(&self, note: &[u8]) {
        let note = Note::read(Some(note));
        self.metrics
            .set_audit_chain_integrity(note.broken.is_empty());
    }
}

impl ChainVerification {
    /// Verifies one slice, and rests. Answers whether it was broken; `None` when the sweep is through.
    async fn step(&self, note: &mut Note) -> Result<Option<bool>, JobError> {
        let sweep = note.sweep.get_or_insert_default();
        let (organization, point) = match sweep.reached.take() {
            Some(reached) => reached,
            None => match self.storage.organizations().next(sweep.done).await? {
                Some(organization) => (organization, ChainPoint::default()),
                None => return Ok(None),
            },
        };
        let began = Instant::now();
        let found = verify_slice(self.storage.audit(), organization, point).await?;
        let is_broken = matches!(found, Slice::BrokenAt(_));
        match found {
            Slice::HoldsTo(point) => sweep.reached = Some((organization, point)),
            Slice::Whole => sweep.done = Some(organization),
            Slice::BrokenAt(event) => {
                tracing::error!(%organization, ?event, "an audit chain is broken");
                sweep.broken.insert(organization);
                sweep.done = Some(organization);
                note.broken.insert(organization);
                self.metrics.set_audit_chain_integrity(false);
            }
        }
        tokio::time::sleep((began.elapsed() * REST).min(REST_MAX)).await;
        Ok(Some(is_broken))
    }
}

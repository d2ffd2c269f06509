//! Writes what was counted, each second and at the end. A batch that fails is repeated as it is until
//! the store takes it: of an attempt that failed nobody knows whether it was written, and the store
//! adds a repeated batch once.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use uuid::Uuid;

use super::ledger::Ledger;
use crate::{
    clock::Clock,
    storage::{Storage, StorageError, UsageBatch},
};

/// How often what was counted is written.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the end of the process may take to write the rest.
const LAST_TIME_MAX: Duration = Duration::from_secs(5);
/// How long to wait before the next attempt then.
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// The one that writes.
pub(super) struct Writing {
    ledger: Arc<Ledger>,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    /// This process; one batch at a time.
    progress: Mutex<Progress>,
}

struct Progress {
    writer: Uuid,
    number: i64,
    /// Not taken by the store yet.
    unsettled: Option<UsageBatch>,
    failing: bool,
}

impl Writing {
    pub fn new(ledger: Arc<Ledger>, storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self {
            ledger,
            storage,
            clock,
            progress: Mutex::new(Progress {
                writer: Uuid::now_v7(),
                number: 0,
                unsettled: None,
                failing: false,
            }),
        }
    }

    /// Writes each second until it is aborted or nobody counts any more.
    pub fn spawn(self: &Arc<Self>) -> JoinHandle<()> {
        let this = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = interval(INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(this) = this.upgrade() else { return };
                this.write().await;
            }
        })
    }

    /// Writes what there is; `false` when something is left over because the store did not take it.
    pub async fn write(&self) -> bool {
        let mut progress = self.progress.lock().await;
        let batch = match progress.unsettled.take() {
            Some(batch) => batch,
            None => match self.next(&mut progress) {
                Some(batch) => batch,
                None => return true,
            },
        };
        // Kept while it is written: whoever drops this future leaves it for the next attempt.
        progress.unsettled = Some(batch.clone());
        let asked = Instant::now();
        match self.storage.usage().add(batch).await {
            Ok(sums) => {
                self.ledger.settle(&sums, asked);
                progress.unsettled = None;
                if std::mem::take(&mut progress.failing) {
                    tracing::info!("usage can be written again; nothing was lost");
                }
                true
            }
            Err(error) if error.is_unavailable() => {
                if !std::mem::replace(&mut progress.failing, true) {
                    tracing::warn!(%error, "usage cannot be written; counting goes on here");
                }
                false
            }
            Err(error) => {
                self.give_up(&mut progress, &error);
                true
            }
        }
    }

    /// Writes the rest, in bounded time.
    pub async fn finish(&self) {
        let deadline = Instant::now() + LAST_TIME_MAX;
        // Twice: what was counted while an older batch was repeated is another one.
        while !self.write().await || !self.write().await {
            if Instant::now() >= deadline {
                tracing::error!("the last second's usage could not be written and is lost");
                return;
            }
            sleep(LAST_PAUSE).await;
        }
    }

    fn next(&self, progress: &mut Progress) -> Option<UsageBatch> {
        let added = self.ledger.begin_batch();
        if added.is_empty() {
            self.ledger.settle(&[], Instant::now());
            return None;
        }
        progress.number += 1;
        Some(UsageBatch {
            writer: progress.writer,
            number: progress.number,
            at: self.clock.now(),
            added,
        })
    }

    /// A batch that the store will never take must not stop those after it.
    fn give_up(&self, progress: &mut Progress, error: &StorageError) {
        tracing::error!(%error, "a second's usage was refused by the store and is lost");
        progress.unsettled = None;
        self.ledger.settle(&[], Instant::now());
    }
}

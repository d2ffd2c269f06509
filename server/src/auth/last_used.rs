//! When credentials were last used: noted in memory, written in batches, because a write for each
//! token would cost more than the token. What is lost when the process is killed is a few seconds
//! of a fact that is for people.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::storage::Storage;

/// How often what was noted is written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(5);

/// Notes of use.
pub(super) struct LastUsed {
    storage: Arc<dyn Storage>,
    noted: Mutex<HashMap<Uuid, Timestamp>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl LastUsed {
    /// Starts the task that writes.
    pub(super) fn start(storage: Arc<dyn Storage>) -> Arc<Self> {
        let this = Arc::new(Self {
            storage,
            noted: Mutex::default(),
            task: Mutex::default(),
        });
        let weak = Arc::downgrade(&this);
        let task = tokio::spawn(async move {
            let mut ticks = interval(FLUSH_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(this) = weak.upgrade() else { return };
                this.flush().await;
            }
        });
        *this.task.lock() = Some(task);
        this
    }

    /// Notes a use.
    pub(super) fn note(&self, credential_id: Uuid, at: Timestamp) {
        self.noted.lock().insert(credential_id, at);
    }

    /// Writes what was noted. What cannot be written is dropped with a line in the log: the next
    /// use notes it again.
    pub(super) async fn flush(&self) {
        let noted: Vec<(Uuid, Timestamp)> = self.noted.lock().drain().collect();
        if noted.is_empty() {
            return;
        }
        if let Err(error) = self.storage.credentials().touch(&noted).await {
            tracing::warn!(%error, "when credentials were last used could not be written");
        }
    }

    /// Ends the task and writes the rest.
    pub(super) async fn stop(&self) {
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.abort();
            // Aborted is what was asked for.
            let _ = task.await;
        }
        self.flush().await;
    }
}

//! Recording an event that stands alone: issuing and revoking tokens, failed authentication, reading.
//!
//! Events of changes do not come here: they travel with their change into one transaction.

use std::sync::Arc;

use super::NewEvent;
use crate::storage::{Storage, StorageResult};

/// Puts events into the log.
#[derive(Clone)]
pub struct Recorder {
    storage: Arc<dyn Storage>,
}

impl Recorder {
    /// Records into that store.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Returns when the event survives the process being killed.
    ///
    /// # Errors
    /// Unavailable: then the caller must not answer as if it were recorded.
    pub async fn append(&self, event: NewEvent) -> StorageResult<()> {
        self.storage.audit().append(event).await
    }

    /// Returns when the event is queued; it is written soon, at the latest when the storage closes.
    ///
    /// # Errors
    /// Unavailable, when the storage takes no more events.
    pub async fn append_later(&self, event: NewEvent) -> StorageResult<()> {
        self.storage.audit().append_later(event).await
    }
}

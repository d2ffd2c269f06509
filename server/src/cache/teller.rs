//! What this instance tells through Redis: that something changed, and which single tokens are revoked.
//!
//! Nobody waits for it and nobody relies on it: the database has it before Redis hears of it, and every
//! instance follows the database. What Redis missed about tokens while it was away is told when it is back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{sync::Notify, task::JoinHandle};

use super::{Cache, CacheError, keeper::CHANGES};
use crate::clock::Timestamp;

/// Revoked tokens that wait for Redis; the oldest give way.
const PENDING_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Outbox {
    pub wake: Notify,
    changed: AtomicBool,
    revoked: Mutex<VecDeque<(String, Timestamp)>>,
}

impl Cache {
    /// Tells the other instances that this one changed something. Returns at once; many changes may become one message.
    pub fn tell_of_a_change(&self) {
        self.outbox.changed.store(true, Ordering::Release);
        self.outbox.wake.notify_one();
    }

    /// Keeps `revoked:<jti>` until the token expires. Returns at once.
    pub fn tell_of_a_revoked_token(&self, jti: &str, expires_at: Timestamp) {
        let mut revoked = self.outbox.revoked.lock();
        if revoked.len() == PENDING_MAX {
            revoked.pop_front();
        }
        revoked.push_back((jti.to_owned(), expires_at));
        drop(revoked);
        self.outbox.wake.notify_one();
    }

    async fn tell(&self) -> Result<(), CacheError> {
        if self.outbox.changed.swap(false, Ordering::AcqRel) {
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(CHANGES).arg(self.instance.to_string());
            self.run::<()>("publish", &publish).await?;
        }
        loop {
            let first = self.outbox.revoked.lock().pop_front();
            let Some((jti, expires_at)) = first else {
                return Ok(());
            };
            let mut set = redis::cmd("SET");
            set.arg(format!("revoked:{jti}")).arg(1);
            set.arg("PXAT").arg(expires_at.ms());
            let kept = self.run::<()>("set", &set).await;
            if let Err(CacheError::Disconnected | CacheError::Lost(_)) = &kept {
                let mut revoked = self.outbox.revoked.lock();
                if revoked.len() < PENDING_MAX {
                    revoked.push_front((jti, expires_at));
                }
                return kept;
            }
        }
    }
}

/// Tells until it is aborted or nobody holds the cache any more.
pub(super) fn spawn(cache: &Arc<Cache>) -> JoinHandle<()> {
    let outbox = Arc::clone(&cache.outbox);
    let cache: Weak<Cache> = Arc::downgrade(cache);
    tokio::spawn(async move {
        loop {
            outbox.wake.notified().await;
            let Some(cache) = cache.upgrade() else {
                return;
            };
            // What could not be told is told, or of no interest any more, when Redis is back.
            let _ = cache.tell().await;
        }
    })
}

//! What ends tokens before they expire: generations of organizations, agents and credentials, and
//! single revoked tokens. This instance knows them from the store, follows the store's revision,
//! and hears of its own changes before their callers are answered.
//!
//! Owns: the knowledge, how fresh it is, and the task that follows. Refuses: deciding what a change
//! revokes (that is the change's own transaction, in `storage`), and judging on knowledge that is
//! older than [`FRESH_FOR`].
//!
//! Knowledge only grows: generations rise and revoked tokens are added until they expire. So a
//! whole reading, a later part and an observed change may be merged in any order.

mod follower;
mod knowledge;

pub use follower::FollowError;
pub use knowledge::Dependencies;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex as BlockingMutex;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock::{Clock, Timestamp};
use crate::keys::Keys;
use crate::storage::{ChangeObserver, Changes, Revision, Storage};

use knowledge::Knowledge;

/// How often the store's revision is read: at least every 400 ms, reading included.
pub const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// How old knowledge may be; older, protected calls are answered 503.
pub const FRESH_FOR: Duration = Duration::from_secs(1);

/// The knowledge could not be refreshed in time: nothing may be said about any token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is revoked could not be read for a second")]
pub struct Stale;

/// What is revoked, as this instance knows it.
pub struct Revocation {
    knowledge: Knowledge,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    keys: Arc<Keys>,
    /// Told of every change, before freshness is renewed.
    listeners: Vec<Arc<dyn ChangeObserver>>,
    /// The revision that was followed to; held for the length of one refresh.
    followed: Mutex<Revision>,
    /// When the last complete refresh *began*, in milliseconds since `born`.
    fresh_at_ms: AtomicU64,
    born: Instant,
    /// Whether the last refresh failed: it is logged when that changes, not each time.
    failing: AtomicBool,
    task: BlockingMutex<Option<JoinHandle<()>>>,
}

impl Revocation {
    /// Reads everything, then follows. Returns only when the knowledge is whole, so that no traffic
    /// is judged without it. `listeners` hear every change too (caches that must drop things).
    pub async fn start(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        keys: Arc<Keys>,
        listeners: Vec<Arc<dyn ChangeObserver>>,
    ) -> Result<Arc<Self>, FollowError> {
        let this = Arc::new(Self {
            knowledge: Knowledge::default(),
            storage,
            clock,
            keys,
            listeners,
            followed: Mutex::new(Revision::MIN),
            fresh_at_ms: AtomicU64::new(0),
            born: Instant::now(),
            failing: AtomicBool::new(false),
            task: BlockingMutex::new(None),
        });
        // Observing begins before reading: what is committed in between is heard at least once.
        let observer = Observer(Arc::downgrade(&this));
        this.storage.observe(Arc::new(observer));
        this.read_whole().await?;
        *this.task.lock() = Some(follower::spawn(&this));
        Ok(this)
    }

    /// Reads what came since the last refresh.
    pub async fn refresh(&self) -> Result<(), FollowError> {
        self.follow().await
    }

    /// Refuses to go on when the last refresh is more than [`FRESH_FOR`] ago.
    pub fn ensure_fresh(&self) -> Result<(), Stale> {
        let now_ms = self.elapsed_ms(Instant::now());
        let age_ms = now_ms.saturating_sub(self.fresh_at_ms.load(Ordering::Acquire));
        if u128::from(age_ms) < FRESH_FOR.as_millis() {
            Ok(())
        } else {
            Err(Stale)
        }
    }

    /// Whether a token with these dependencies and this id lives at `now`. The caller has checked
    /// [`Self::ensure_fresh`].
    pub fn is_live(&self, dependencies: &Dependencies, jti: &str, now: Timestamp) -> bool {
        self.knowledge.is_live(dependencies, jti, now)
    }

    /// Ends the following. Later calls find the knowledge stale.
    pub async fn stop(&self) {
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.abort();
            // Aborted is what was asked for.
            let _ = task.await;
        }
    }

    fn apply(&self, changes: &Changes) {
        self.knowledge.merge(changes);
        for listener in &self.listeners {
            listener.committed(changes);
        }
    }

    fn elapsed_ms(&self, at: Instant) -> u64 {
        let elapsed = at.saturating_duration_since(self.born);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// What the store holds of us: not us, because we hold the store.
struct Observer(Weak<Revocation>);

impl ChangeObserver for Observer {
    fn committed(&self, changes: &Changes) {
        if let Some(revocation) = self.0.upgrade() {
            revocation.apply(changes);
        }
    }
}

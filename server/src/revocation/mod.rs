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
mod hints;
mod knowledge;

pub use follower::FollowError;
pub use knowledge::Dependencies;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex as BlockingMutex;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::cache::Cache;
use crate::clock::{Clock, Timestamp};
use crate::keys::Keys;
use crate::storage::{ChangeObserver, Changes, Revision, Storage};

use knowledge::Knowledge;

/// How often the store's revision is read: at least every 400 ms, reading included.
pub const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// How old knowledge may be; older, protected calls are answered 503.
pub const FRESH_FOR: Duration = Duration::from_secs(1);

/// How long a call waits for a refresh that is late.
const CATCH_UP_FOR: Duration = Duration::from_secs(1);

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
    /// Held by the call that refreshes because the task is late; others wait for it here.
    catching_up: Mutex<()>,
    /// When the last complete refresh *began*, in milliseconds since `born`.
    fresh_at_ms: AtomicU64,
    born: Instant,
    /// Whether the last refresh failed: it is logged when that changes, not each time.
    failing: AtomicBool,
    /// Through which the other instances are told.
    cache: OnceLock<Arc<Cache>>,
    tasks: BlockingMutex<Vec<JoinHandle<()>>>,
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
            catching_up: Mutex::new(()),
            fresh_at_ms: AtomicU64::new(0),
            born: Instant::now(),
            failing: AtomicBool::new(false),
            cache: OnceLock::new(),
            tasks: BlockingMutex::default(),
        });
        // Observing begins before reading: what is committed in between is heard at least once.
        let observer = Observer(Arc::downgrade(&this));
        this.storage.observe(Arc::new(observer));
        this.read_whole().await?;
        this.tasks.lock().extend(follower::spawn(&this));
        Ok(this)
    }

    /// Reads what came since the last refresh.
    pub async fn refresh(&self) -> Result<(), FollowError> {
        self.follow().await
    }

    /// Gives a refresh that is late a moment, so that [`Self::ensure_fresh`] speaks of the store and
    /// not of a process that was held up: suspended, starved, its disk slow. When the last refresh
    /// failed nothing is waited for, and nothing once [`Self::stop`] was called.
    pub async fn catch_up(&self) {
        let hopeless = || self.failing.load(Ordering::Relaxed) || self.tasks.lock().is_empty();
        if self.ensure_fresh().is_ok() || hopeless() {
            return;
        }
        let refresh = async {
            let _one = self.catching_up.lock().await;
            if self.ensure_fresh().is_err() && !hopeless() {
                let outcome = self.follow().await;
                self.report(outcome.as_ref().err());
            }
        };
        // Not in time is what `ensure_fresh` then says.
        let _ = timeout(CATCH_UP_FOR, refresh).await;
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
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
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
            revocation.tell(changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::world::World;

    /// Time passes for a task that does not run.
    async fn held_up(revocation: &Revocation) {
        for task in revocation.tasks.lock().iter() {
            task.abort();
        }
        tokio::time::pause();
        tokio::time::advance(FRESH_FOR).await;
        tokio::time::resume();
        assert_eq!(revocation.ensure_fresh(), Err(Stale));
    }

    #[tokio::test]
    async fn a_refresh_that_is_late_is_made_up_for() {
        let revocation = World::new().await.revocation;
        held_up(&revocation).await;
        tokio::join!(revocation.catch_up(), revocation.catch_up());
        assert_eq!(revocation.ensure_fresh(), Ok(()));
    }

    #[tokio::test]
    async fn nothing_is_waited_for_while_the_store_fails() {
        let revocation = World::new().await.revocation;
        held_up(&revocation).await;
        revocation.failing.store(true, Ordering::Relaxed);
        revocation.catch_up().await;
        assert_eq!(revocation.ensure_fresh(), Err(Stale));
    }

    #[tokio::test]
    async fn a_writer_that_is_held_up_does_not_keep_the_knowledge_from_being_refreshed() {
        let world = World::new().await;
        let grace = Duration::from_secs(60);
        world.rotate(&world.member, Some(grace)).await;
        let _held = crate::storage::sqlite::tests::hold_the_writer(&world.database()).await;
        // Now a grace period has ended, which has to be written.
        world.clock.advance(grace);
        assert_eq!(world.revocation.refresh().await, Ok(()));
    }

    #[tokio::test]
    async fn a_refresh_that_hangs_is_not_waited_for_without_end() {
        let revocation = World::new().await.revocation;
        held_up(&revocation).await;
        let _hanging = revocation.followed.lock().await;
        revocation.catch_up().await;
        assert_eq!(revocation.ensure_fresh(), Err(Stale));
    }
}

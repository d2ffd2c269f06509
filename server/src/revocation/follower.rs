//! The tasks that follow the store's revision and tidy up, and one step of each.
//!
//! A step that fails changes nothing but the age of the knowledge: after a second without a
//! complete step, `ensure_fresh` refuses.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{FOLLOW_INTERVAL, Revocation};
use crate::keys::KeyError;
use crate::storage::{Revision, StorageError, StorageResult};

/// How often expired records of single tokens are thrown away.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);
/// How long a look at the revision may take. What comes later is of no use any more, and a connection that fell silent
/// must not keep this instance from asking over another one.
const LOOK_TIME_MAX: Duration = Duration::from_secs(2);

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// The store did not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The signing keys changed and could not be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// What goes on until it is aborted or everybody else has let go of the knowledge: following, and what has to be written
/// now and then. Apart, because a writer that is held up must not make the knowledge old.
pub(super) fn spawn(revocation: &Arc<Revocation>) -> [JoinHandle<()>; 2] {
    [follow(revocation), tidy(revocation)]
}

fn follow(revocation: &Arc<Revocation>) -> JoinHandle<()> {
    let revocation = Arc::downgrade(revocation);
    tokio::spawn(async move {
        let mut ticks = interval(FOLLOW_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(revocation) = revocation.upgrade() else {
                return;
            };
            let outcome = revocation.follow().await;
            revocation.report(outcome.as_ref().err());
        }
    })
}

fn tidy(revocation: &Arc<Revocation>) -> JoinHandle<()> {
    let revocation = Arc::downgrade(revocation);
    tokio::spawn(async move {
        let mut ticks = interval(FOLLOW_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut forgot_at = Instant::now();
        let mut failing = false;
        loop {
            ticks.tick().await;
            let Some(revocation) = revocation.upgrade() else {
                return;
            };
            let settled = revocation.settle().await;
            if let Err(error) = &settled
                && !failing
            {
                tracing::warn!(%error, "ended grace periods could not be made final; this is tried again");
            }
            failing = settled.is_err();
            if forgot_at.elapsed() >= FORGET_INTERVAL {
                forgot_at = Instant::now();
                revocation.forget_expired().await;
            }
        }
    })
}

impl Revocation {
    /// The first reading: everything that counts.
    pub(super) async fn read_whole(&self) -> Result<(), FollowError> {
        let mut followed = self.followed.lock().await;
        let began = Instant::now();
        let now = self.clock.now();
        let changes = self.storage.revocations().load(now).await?;
        self.apply(&changes);
        // The keys were read before the revision was: another instance may have rotated in between.
        self.keys.reload().await?;
        *followed = changes.revision;
        self.mark_fresh(began);
        Ok(())
    }

    /// One step: the revision, and what changed if it moved.
    pub(super) async fn follow(&self) -> Result<(), FollowError> {
        let mut followed = self.followed.lock().await;
        let began = Instant::now();
        let newest = self.newest().await?;
        if newest != *followed {
            let changes = self.storage.revocations().changes_since(*followed).await?;
            self.apply(&changes);
            if changes.signing_keys || changes.whole {
                self.keys.reload().await?;
            }
            *followed = changes.revision;
        }
        self.keys.drop_expired().await?;
        self.mark_fresh(began);
        Ok(())
    }

    async fn newest(&self) -> StorageResult<Revision> {
        let revocations = self.storage.revocations();
        timeout(LOOK_TIME_MAX, revocations.revision())
            .await
            .unwrap_or_else(|_| {
                Err(StorageError::Unavailable(
                    "the database does not answer".to_owned(),
                ))
            })
    }

    /// Makes ended grace periods final. Only asked for when one has ended, because it writes.
    async fn settle(&self) -> StorageResult<()> {
        let now = self.clock.now();
        if self.knowledge.has_due(now) {
            self.storage.revocations().settle(now).await?;
        }
        Ok(())
    }

    async fn forget_expired(&self) {
        let now = self.clock.now();
        self.knowledge.forget_expired(now);
        if let Err(error) = self.storage.revocations().forget_expired(now).await {
            tracing::warn!(%error, "expired revocations could not be removed; the next round tries again");
        }
    }

    /// What was read is as old as the moment the reading began.
    fn mark_fresh(&self, began: Instant) {
        let began_ms = self.elapsed_ms(began);
        self.fresh_at_ms.fetch_max(began_ms, Ordering::AcqRel);
    }

    /// One line when following begins to fail, one when it works again.
    pub(super) fn report(&self, error: Option<&FollowError>) {
        let failed_before = self.failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !failed_before => {
                tracing::error!(%error, "what is revoked cannot be read; protected calls will be refused");
            }
            None if failed_before => tracing::info!("what is revoked can be read again"),
            _ => {}
        }
    }
}

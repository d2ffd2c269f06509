//! Answers kept for a repeated `Idempotency-Key`, and the claims on those still being made.
//!
//! Refuses: what makes two requests the same, which answers are kept, and reading one: it arrives encrypted and leaves
//! encrypted.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use uuid::Uuid;

use super::StorageResult;
use crate::clock::Timestamp;

/// What came of claiming a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is yours: answer the request, then complete or release.
    Claimed,
    /// A request with this fingerprint is being answered now.
    InFlight {
        /// The other request's.
        fingerprint: [u8; 32],
    },
    /// A request with this fingerprint made its change, and its answer is not kept: not yet, or it never will be.
    Made {
        /// The other request's.
        fingerprint: [u8; 32],
    },
    /// A request with this fingerprint was answered already.
    Done {
        /// The other request's.
        fingerprint: [u8; 32],
        /// Its answer, as given to `complete`.
        answer: Vec<u8>,
    },
}

/// Where an answer is kept, and whose claim on it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The client's organization.
    pub organization: Uuid,
    /// SHA-256 of client, method, path and key.
    pub key: [u8; 32],
    /// One try of one process. What another claimed meanwhile is not this one's any more.
    pub claimant: Uuid,
}

/// What came of noting at a claim that its change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is noted now.
    Now,
    /// An earlier change of the same request noted the request's answer.
    Before,
    /// The claim is not this claimant's, or nobody's: the change must not be made.
    Lost,
}

/// The answer to keep once a change with that outcome is committed; `None`: it could not be made.
struct AnswerTo<T>(Box<Make<T>>);

type Make<T> = dyn Fn(&T) -> Option<Vec<u8>> + Send + Sync;

/// A claim that the changes of a request note in their own transaction.
#[derive(Clone)]
pub(super) struct Noting {
    /// Which.
    pub slot: Slot,
    /// How long the note stays.
    pub until: Timestamp,
    /// An [`AnswerTo`] the outcome of the change that is made now.
    answer: Option<Arc<dyn Any + Send + Sync>>,
    kept: Arc<AtomicBool>,
}

impl Noting {
    /// What a change with this outcome notes: the request's answer, or nothing but that it was made.
    pub fn answer<T: 'static>(&self, outcome: &T) -> Vec<u8> {
        let answer = self.answer.as_ref();
        answer
            .and_then(|answer| answer.downcast_ref::<AnswerTo<T>>())
            .and_then(|answer| (answer.0)(outcome))
            .unwrap_or_default()
    }

    /// The transaction that noted an answer is committed.
    pub fn answer_is_kept(&self) {
        self.kept.store(true, Ordering::Release);
    }
}

tokio::task_local! {
    static NOTING: Noting;
}

/// Runs a request that claimed this slot. Each change that it makes notes in its own transaction that it was made, so that
/// a process that dies before the answer is kept leaves a key that makes nothing a second time. A change whose claim was
/// lost to another is refused: [`StorageError::ClaimLost`](super::StorageError::ClaimLost). It is the task that
/// carries the slot, because every change of every section has to do this and none has to know.
///
/// Answers with the request's outcome and whether a change of it kept the answer: see [`keeping_answer`].
pub async fn noting_changes<F: Future>(
    slot: Slot,
    until: Timestamp,
    request: F,
) -> (F::Output, bool) {
    let noting = Noting {
        slot,
        until,
        answer: None,
        kept: Arc::default(),
    };
    let kept = Arc::clone(&noting.kept);
    let outcome = NOTING.scope(noting, request).await;
    (outcome, kept.load(Ordering::Acquire))
}

/// Makes the one change after which the request's answer stands; what it notes in its transaction is that answer, made from
/// its outcome. `answer` must be a pure function: a transaction may be repeated. Without a claim it is only the change.
pub async fn keeping_answer<T, F>(
    answer: impl Fn(&T) -> Option<Vec<u8>> + Send + Sync + 'static,
    change: F,
) -> StorageResult<T>
where
    T: 'static,
    F: Future<Output = StorageResult<T>>,
{
    let Some(noting) = noting() else {
        return change.await;
    };
    let noting = Noting {
        answer: Some(Arc::new(AnswerTo(Box::new(answer)))),
        ..noting
    };
    NOTING.scope(noting, change).await
}

/// The claim of the request that this task runs.
pub(super) fn noting() -> Option<Noting> {
    NOTING.try_with(Noting::clone).ok()
}

/// Kept answers.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Claims a key until `lease_until`, or says why not. A claim past its lease was left behind by a process that died, and an
    /// answer past its time does not count: both are claimed anew. Should that process live after all, the changes of its
    /// request are refused from then on.
    async fn claim(
        &self,
        slot: Slot,
        fingerprint: [u8; 32],
        now: Timestamp,
        lease_until: Timestamp,
    ) -> StorageResult<Claim>;
    /// Moves the end of a claim whose change is not made yet. `false`: it is not this claimant's any more.
    async fn renew(&self, slot: Slot, lease_until: Timestamp) -> StorageResult<bool>;
    /// Keeps the answer of a claimed key.
    ///
    /// # Errors
    /// `NotFound` when the claim is not this claimant's, or its change kept an answer.
    async fn complete(&self, slot: Slot, answer: &[u8], expires_at: Timestamp)
    -> StorageResult<()>;
    /// Gives a claim back: the request may be made again. A key whose change was made or answered stays.
    async fn release(&self, slot: Slot) -> StorageResult<()>;
    /// Forgets what expired before `now`. Answers how many.
    async fn forget_expired(&self, now: Timestamp) -> StorageResult<u64>;
}

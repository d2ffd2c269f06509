//! A change and the answer that tells of it, kept in one transaction.

use std::sync::Arc;

use serde::Serialize;

use super::stored;
use crate::{
    error::ApiError,
    http::{Facts, Reply},
    secrets::Secrets,
    storage::{self, StorageResult},
};

/// The request that this task answers under a claimed key.
#[derive(Clone)]
struct Claimed {
    secrets: Secrets,
    facts: &'static Facts,
}

tokio::task_local! {
    static CLAIMED: Claimed;
}

/// Runs a request of that operation whose key was claimed.
pub(super) fn claimed<F: Future>(
    secrets: Secrets,
    facts: &'static Facts,
    request: F,
) -> impl Future<Output = F::Output> {
    CLAIMED.scope(Claimed { secrets, facts }, request)
}

/// Makes the change of an operation and answers what it found. Under a claimed key the answer is written in the change's
/// own transaction: whoever repeats the request after a crash gets it, its secret included.
///
/// Nothing may be refused after it: the answer stands once the change is committed. `reply` must be a pure function; it is
/// called once in the transaction, again when that is repeated, and once behind it.
pub async fn with_answer<R, T>(
    change: impl Future<Output = StorageResult<R>>,
    reply: impl Fn(R) -> Reply<T> + Send + Sync + 'static,
) -> StorageResult<Reply<T>>
where
    R: Clone + 'static,
    T: Serialize,
{
    let reply = Arc::new(reply);
    let made = match CLAIMED.try_with(Claimed::clone) {
        Err(_) => change.await,
        Ok(claimed) => {
            let reply = Arc::clone(&reply);
            let answer = move |outcome: &R| claimed.seal(reply(outcome.clone()));
            storage::keeping_answer(answer, change).await
        }
    };
    made.map(|outcome| reply(outcome))
}

impl Claimed {
    /// The answer for the store. Without one the change is made all the same, and the answer kept behind it if it can be.
    fn seal<T: Serialize>(&self, reply: Reply<T>) -> Option<Vec<u8>> {
        let answer = reply.into_any_answer(self.facts);
        let sealed = answer.and_then(|answer| stored::seal(&self.secrets, &answer));
        sealed.inspect_err(not_kept).ok()
    }
}

/// Says why an answer was not kept.
pub(super) fn not_kept(error: &ApiError) {
    tracing::warn!(cause = ?error.cause(), "an answer could not be kept for its idempotency key");
}

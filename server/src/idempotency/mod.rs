//! `Idempotency-Key`: the same request twice is one change and two equal answers.
//!
//! A key belongs to (client, method, path). Its first request claims it; an equal one that comes
//! meanwhile waits up to five seconds, one that comes later is answered from the store, and
//! another body is a conflict. Kept for 24 hours, encrypted, because an answer may show a secret.
//! Not kept: 401, 429 and 5xx, after which the client is meant to try again.
//!
//! A claim belongs to one try of one process, which renews it while it works and then loses it within seconds: whoever
//! repeats the request of a process that was killed before its change soon gets its turn. Times decide only that. That no
//! change is made twice does not depend on any clock: it is committed only together with a note at its own claim.
//!
//! A claimed request runs to its end in a task of its own: a client that hangs up must not leave
//! a change behind whose answer nobody kept. The change's own transaction writes the answer too
//! ([`with_answer`]), so a process that dies behind its commit leaves both. A change whose answer it
//! could not write leaves a key that says that it was made: it is never made twice.

mod change;
mod stored;

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

pub use change::with_answer;

use crate::{
    clock::Clock,
    error::ApiError,
    generated::codes::Code,
    http::{Answer, Facts},
    secrets::Secrets,
    storage::{self, Claim, Slot, Storage, StorageError},
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// How long an equal request waits for the first one.
const WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(25);
/// After that time without a renewal a claim was left behind by a process that died. Shorter than [`WAIT`], so that who repeats
/// a request then gets its turn at the first try. Should the process live after all, its change is refused: see
/// [`StorageError::ClaimLost`].
const LEASE: Duration = Duration::from_secs(4);
/// How often a request that takes long renews its claim.
const RENEWAL: Duration = Duration::from_secs(1);
/// The longest key, in characters.
const KEY_CHARS_MAX: usize = 255;

/// A well-formed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// 1-255 visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=KEY_CHARS_MAX).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }
}

/// What makes two requests the same.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub client: Uuid,
    /// Where the client belongs.
    pub organization: Uuid,
    /// Which operation.
    pub facts: &'static Facts,
    /// As it was asked for, without the query.
    pub path: &'a str,
    /// Behind the question mark.
    pub query: &'a str,
    /// All of it.
    pub body: &'a [u8],
}

/// Asked before an answer that shows a secret is replayed.
#[async_trait]
pub trait ReplayGuard: Send + Sync {
    /// Whether the agent's credential still is active.
    async fn is_active(&self, agent: Uuid, credential: Uuid) -> Result<bool, ApiError>;
}

/// Keeps and replays answers.
pub struct Idempotency {
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    guard: Arc<dyn ReplayGuard>,
    wait: Duration,
    renewal: Duration,
    /// Until when the latest renewal holds, in milliseconds.
    #[cfg(test)]
    renewed_until: std::sync::atomic::AtomicI64,
}

/// An answer, and whether it was made before.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to answer.
    pub answer: Answer,
    /// It is the first request's.
    pub replayed: bool,
}

enum Turn {
    Ours,
    Done(Box<Answer>),
}

impl Idempotency {
    /// Over that store.
    pub fn new(
        storage: Arc<dyn Storage>,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
        guard: Arc<dyn ReplayGuard>,
    ) -> Self {
        Self {
            storage,
            secrets,
            clock,
            guard,
            wait: WAIT,
            renewal: RENEWAL,
            #[cfg(test)]
            renewed_until: std::sync::atomic::AtomicI64::default(),
        }
    }

    /// Answers from the store, or runs the request and keeps what it answers. `answer` never
    /// fails: an error is an answer too.
    pub async fn once<F>(
        self: &Arc<Self>,
        key: &Key,
        request: Request<'_>,
        answer: F,
    ) -> Result<Outcome, ApiError>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let slot = slot(key, request);
        let fingerprint = fingerprint(request);
        if let Turn::Done(answer) = self.turn(slot, fingerprint).await? {
            return Ok(Outcome {
                answer: *answer,
                replayed: true,
            });
        }
        let this = Arc::clone(self);
        let until = self.clock.now().plus(KEPT);
        let answer = change::claimed(self.secrets.clone(), request.facts, answer);
        let work = tokio::spawn(async move {
            // Dropped without a settled answer - a panic in the handler - the claim is given back.
            let mut held = Held::new(&this, slot);
            let (answer, kept) = tokio::select! {
                made = storage::noting_changes(slot, until, answer) => made,
                never = this.renew(slot) => match never {},
            };
            if kept {
                held.settled = true;
            } else {
                held.settle(&answer).await;
            }
            answer
        });
        work.await
            .map(|answer| Outcome {
                answer,
                replayed: false,
            })
            .map_err(|error| ApiError::internal(error.to_string()))
    }

    /// Says again and again that the request is still being answered.
    async fn renew(&self, slot: Slot) -> Infallible {
        loop {
            tokio::time::sleep(self.renewal).await;
            let until = self.clock.now().plus(LEASE);
            if let Err(error) = self.storage.idempotency().renew(slot, until).await {
                tracing::warn!(%error, "the claim on an idempotency key could not be renewed");
            }
            #[cfg(test)]
            self.renewed_until
                .store(until.ms(), std::sync::atomic::Ordering::Release);
        }
    }

    async fn turn(&self, slot: Slot, fingerprint: [u8; 32]) -> Result<Turn, ApiError> {
        let mut waited = Duration::ZERO;
        loop {
            let now = self.clock.now();
            let claim = self
                .storage
                .idempotency()
                .claim(slot, fingerprint, now, now.plus(LEASE))
                .await;
            match claim.map_err(broken)? {
                Claim::Claimed => return Ok(Turn::Ours),
                Claim::InFlight { fingerprint: other }
                | Claim::Made { fingerprint: other }
                | Claim::Done {
                    fingerprint: other, ..
                } if other != fingerprint => {
                    return Err(ApiError::new(Code::IdempotencyConflict)
                        .message("This idempotency key was used with another request."));
                }
                Claim::Done { answer, .. } => {
                    return self.replay(&answer).await.map(|a| Turn::Done(Box::new(a)));
                }
                Claim::Made { .. } if waited >= self.wait => {
                    return Err(ApiError::new(Code::IdempotencyConflict).message(
                        "The first request with this idempotency key made its change, but its answer was lost.",
                    ));
                }
                Claim::InFlight { .. } if waited >= self.wait => {
                    return Err(ApiError::new(Code::IdempotencyConflict)
                        .message("The first request with this idempotency key is still running."));
                }
                Claim::InFlight { .. } | Claim::Made { .. } => {
                    tokio::time::sleep(LOOK).await;
                    waited += LOOK;
                }
            }
        }
    }

    async fn replay(&self, sealed: &[u8]) -> Result<Answer, ApiError> {
        let answer = stored::open(&self.secrets, sealed)?;
        if let Some((agent, credential)) = answer.guard
            && !self.guard.is_active(agent, credential).await?
        {
            return Err(ApiError::new(Code::IdempotencyConflict)
                .message("The credential of the first answer is no longer active; its secret is not shown again."));
        }
        Ok(answer)
    }
}

/// A claim that is given back unless an answer was kept.
struct Held<'a> {
    idempotency: &'a Arc<Idempotency>,
    slot: Slot,
    settled: bool,
}

impl<'a> Held<'a> {
    fn new(idempotency: &'a Arc<Idempotency>, slot: Slot) -> Self {
        Self {
            idempotency,
            slot,
            settled: false,
        }
    }

    /// Keeps what no change kept: a refusal, mostly.
    async fn settle(&mut self, answer: &Answer) {
        if !is_kept(answer.status.as_u16()) {
            return;
        }
        let this = self.idempotency;
        let kept = match stored::seal(&this.secrets, answer) {
            Ok(sealed) => {
                let until = this.clock.now().plus(KEPT);
                this.storage
                    .idempotency()
                    .complete(self.slot, &sealed, until)
                    .await
                    .map_err(broken)
            }
            Err(error) => Err(error),
        };
        match kept {
            Ok(()) => self.settled = true,
            Err(error) => change::not_kept(&error),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let this = Arc::clone(self.idempotency);
        let slot = self.slot;
        tokio::spawn(async move {
            if let Err(error) = this.storage.idempotency().release(slot).await {
                tracing::warn!(%error, "an idempotency key stays claimed until its lease ends");
            }
        });
    }
}

fn is_kept(status: u16) -> bool {
    !matches!(status, 401 | 429 | 500..)
}

/// The store keeps no rules here: whatever it refuses is its failure.
fn broken(error: StorageError) -> ApiError {
    ApiError::storage(error, Code::InternalServerError)
}

fn slot(key: &Key, request: Request<'_>) -> Slot {
    Slot {
        organization: request.organization,
        key: hash(&[
            request.client.as_bytes(),
            request.facts.method.as_bytes(),
            request.path.as_bytes(),
            key.0.as_bytes(),
        ]),
        claimant: Uuid::now_v7(),
    }
}

fn fingerprint(request: Request<'_>) -> [u8; 32] {
    hash(&[request.query.as_bytes(), request.body])
}

/// Each part behind its length, so that no two lists of parts read the same.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

#[cfg(test)]
mod tests;

//! `Idempotency-Key`: the same request twice is one change and two equal answers.
//!
//! A key belongs to (client, method, path). Its first request claims it; an equal one that comes
//! meanwhile waits up to five seconds, one that comes later is answered from the store, and
//! another body is a conflict. Kept for 24 hours, encrypted, because an answer may show a secret.
//! Not kept: 401, 429 and 5xx, after which the client is meant to try again.
//!
//! A claimed request runs to its end in a task of its own: a client that hangs up must not leave
//! a change behind whose answer nobody kept.

mod stored;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use crate::{
    clock::Clock,
    error::ApiError,
    generated::codes::Code,
    http::Answer,
    secrets::Secrets,
    storage::{Claim, Slot, Storage, StorageError},
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// How long an equal request waits for the first one.
const WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(25);
/// After that time a claim was left behind by a process that died: longer than any request takes.
const LEASE: Duration = Duration::from_secs(60);
/// The longest key, in characters.
const KEY_CHARS_MAX: usize = 255;
/// What the stored answers are encrypted for.
const CONTEXT: &str = "idempotency";

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
    /// `POST`.
    pub method: &'a str,
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
        let work = tokio::spawn(async move {
            // Dropped without a settled answer - a panic in the handler - the claim is given back.
            let mut held = Held::new(&this, slot);
            let answer = answer.await;
            held.settle(&answer).await;
            answer
        });
        work.await
            .map(|answer| Outcome {
                answer,
                replayed: false,
            })
            .map_err(|error| ApiError::internal(error.to_string()))
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
                | Claim::Done {
                    fingerprint: other, ..
                } if other != fingerprint => {
                    return Err(ApiError::new(Code::IdempotencyConflict)
                        .message("This idempotency key was used with another request."));
                }
                Claim::Done { answer, .. } => {
                    return self.replay(&answer).await.map(|a| Turn::Done(Box::new(a)));
                }
                Claim::InFlight { .. } if waited >= WAIT => {
                    return Err(ApiError::new(Code::IdempotencyConflict)
                        .message("The first request with this idempotency key is still running."));
                }
                Claim::InFlight { .. } => {
                    tokio::time::sleep(LOOK).await;
                    waited += LOOK;
                }
            }
        }
    }

    async fn replay(&self, sealed: &[u8]) -> Result<Answer, ApiError> {
        let plain = self
            .secrets
            .decrypt(CONTEXT, sealed)
            .map_err(ApiError::internal)?;
        let answer = stored::read(&plain)?;
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

    async fn settle(&mut self, answer: &Answer) {
        if !is_kept(answer.status.as_u16()) {
            return;
        }
        let this = self.idempotency;
        let kept = match stored::write(answer).and_then(|plain| {
            this.secrets
                .encrypt(CONTEXT, &plain)
                .map_err(ApiError::internal)
        }) {
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
            Err(error) => {
                tracing::warn!(cause = ?error.cause(), "an answer could not be kept for its idempotency key")
            }
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
            request.method.as_bytes(),
            request.path.as_bytes(),
            key.0.as_bytes(),
        ]),
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
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii() {
        for good in ["a", "order-7", "!~", &"x".repeat(255)] {
            assert!(Key::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "ä", "a\t", &"x".repeat(256)] {
            assert!(Key::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn failures_that_ask_for_another_try_are_not_kept() {
        let kept: Vec<u16> = [200, 201, 204, 400, 401, 403, 404, 409, 415, 429, 500, 503]
            .into_iter()
            .filter(|s| is_kept(*s))
            .collect();
        assert_eq!(kept, [200, 201, 204, 400, 403, 404, 409, 415]);
    }

    #[test]
    fn no_two_requests_share_a_hash() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_eq!(hash(&[b"ab", b"c"]), hash(&[b"ab", b"c"]));
    }
}

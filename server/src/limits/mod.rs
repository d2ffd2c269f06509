//! Request rate limits: sliding windows that instances share in Redis, and windows of this process without one.
//!
//! Who is counted: an authenticated client by its id; a token request by the address it comes
//! from *and* the client id it names, so that nobody can lock another client out. Public
//! operations (health, discovery, keys) are not counted. An operation may have a limit of its own
//! beside the general one (`x-rate-limit-per-minute` in the contract), counted for each client; a
//! call that only this one denies still counts as a request of its client.
//!
//! With Redis, what it let pass is noted in this process too. So when Redis is lost, this instance goes on with what
//! it saw itself: nothing is ever open, each instance then allows the limit once.
//!
//! `RATE_LIMIT_MAX_REQUESTS=0` switches every request rate off, those of operations too: whoever
//! measures or tests a server wants none of them.

mod shared;
#[cfg(test)]
mod tests;
mod window;
mod windows;

use std::{borrow::Cow, sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use crate::{
    cache::Cache, clock::Timestamp, config::RateLimit, metrics::Metrics, wire::read::parse_uuid,
};

use shared::Shared;
use windows::Windows;

const MINUTE_MS: i64 = 60_000;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// An authenticated client.
    Client(Uuid),
    /// A request for a token, by where it comes from and whose token it wants.
    TokenRequest {
        /// The caller's address.
        address: &'a str,
        /// As given; not known to be right.
        client_id: &'a str,
    },
}

/// Which clients there are, as far as this instance knows without asking anybody.
pub trait KnownClients: Send + Sync + 'static {
    /// Whether that client was read lately.
    fn knows(&self, client: Uuid) -> bool;
}

/// A limit that an operation has beside the general one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLimit {
    /// The operation's id.
    pub operation: &'static str,
    /// How often a client may call it in a minute.
    pub max_per_minute: u32,
}

/// How a subject stands after a request was counted or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `X-RateLimit-Limit`.
    pub limit: u32,
    /// `X-RateLimit-Remaining`.
    pub remaining: u32,
    /// `X-RateLimit-Reset`: when the present window ends, in Unix seconds, rounded up.
    pub reset_at: i64,
    /// Why not, when the request is denied: how long to wait.
    pub retry_after: Option<Duration>,
}

impl Standing {
    /// The one of two limits that stops the caller sooner: the one that denies (the longer wait of
    /// two), else the one that leaves fewer requests.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        if (other.retry_after, self.remaining) > (self.retry_after, other.remaining) {
            other
        } else {
            self
        }
    }
}

/// Every subject's counters.
pub struct Limits {
    max: u32,
    window_ms: i64,
    shared: Option<Shared>,
    clients: Windows,
    /// Apart, because everybody may fill it.
    token_requests: Windows,
    /// One window for each client and operation that has a limit of its own.
    operations: Windows,
    known: Arc<dyn KnownClients>,
    metrics: Arc<Metrics>,
}

/// One window in which a request counts.
#[derive(Clone, Copy)]
struct Counted<'a> {
    key: Key<'a>,
    max: u32,
    window_ms: i64,
}

#[derive(Clone, Copy, Hash)]
enum Key<'a> {
    General(Subject<'a>),
    Operation(Uuid, &'static str),
}

impl Limits {
    /// With these limits; shared by all instances that use the same Redis.
    pub fn new(
        limit: RateLimit,
        shared: Option<Arc<Cache>>,
        known: Arc<dyn KnownClients>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let window_ms = i64::try_from(limit.window.as_millis()).unwrap_or(i64::MAX);
        let window_ms = window_ms.max(1);
        Self {
            max: limit.max_requests,
            window_ms,
            shared: shared.map(Shared::new),
            clients: Windows::new(window_ms),
            token_requests: Windows::new(window_ms),
            operations: Windows::new(MINUTE_MS),
            known,
            metrics,
        }
    }

    /// Counts a request, and with it the call of an operation that has a limit of its own. `None` when limits are off.
    pub async fn count(
        &self,
        subject: Subject<'_>,
        own: Option<OwnLimit>,
        now: Timestamp,
    ) -> Option<Standing> {
        let spelt;
        let subject = match subject {
            Subject::TokenRequest { address, client_id } => {
                spelt = usual_spelling(client_id);
                Subject::TokenRequest {
                    address,
                    client_id: &spelt,
                }
            }
            client => client,
        };
        let general = Counted {
            key: Key::General(subject),
            max: self.max,
            window_ms: self.window_ms,
        };
        match (subject, own) {
            (Subject::Client(client), Some(own)) => {
                self.judge(&[general, Counted::own(client, own)], now).await
            }
            _ => self.judge(&[general], now).await,
        }
    }

    /// Counts a client's call of an operation that has a limit of its own, when the request has been counted already.
    /// `None` when limits are off.
    pub async fn count_operation(
        &self,
        client: Uuid,
        own: OwnLimit,
        now: Timestamp,
    ) -> Option<Standing> {
        self.judge(&[Counted::own(client, own)], now).await
    }

    /// The standing of the strictest of these limits.
    async fn judge(&self, counted: &[Counted<'_>], now: Timestamp) -> Option<Standing> {
        if self.max == 0 {
            return None;
        }
        let shared = self.count_shared(counted, now).await;
        let standings = shared.unwrap_or_else(|| self.count_here(counted, now));
        let standing = standings.into_iter().reduce(Standing::stricter)?;
        if standing.retry_after.is_some()
            && let Some(one) = counted.first()
        {
            self.metrics.rate_limit_hit(one.key.client(&*self.known));
        }
        Some(standing)
    }

    /// `None` without Redis, and when it did not answer.
    async fn count_shared(&self, counted: &[Counted<'_>], now: Timestamp) -> Option<Vec<Standing>> {
        let shared = self.shared.as_ref()?;
        // A flood of made-up names must not fill Redis either.
        if !counted
            .iter()
            .all(|one| self.windows(one).has_room_for(one.key, now))
        {
            return None;
        }
        let standings = shared.count(counted).await.ok()?;
        for (one, standing) in counted.iter().zip(&standings) {
            if standing.retry_after.is_none() {
                self.windows(one).note(one.key, one.key.crowd(), now);
            }
        }
        Some(standings)
    }

    fn count_here(&self, counted: &[Counted<'_>], now: Timestamp) -> Vec<Standing> {
        let mut standings = Vec::with_capacity(counted.len());
        for one in counted {
            let crowd = one.key.crowd();
            let standing = self.windows(one).count(one.key, crowd, one.max, now);
            standings.push(standing);
            if standing.retry_after.is_some() {
                break;
            }
        }
        standings
    }

    fn windows(&self, counted: &Counted<'_>) -> &Windows {
        match counted.key {
            Key::General(Subject::Client(_)) => &self.clients,
            Key::General(Subject::TokenRequest { .. }) => &self.token_requests,
            Key::Operation(..) => &self.operations,
        }
    }
}

impl Counted<'_> {
    fn own(client: Uuid, own: OwnLimit) -> Self {
        Self {
            key: Key::Operation(client, own.operation),
            max: own.max_per_minute,
            window_ms: MINUTE_MS,
        }
    }

    /// The key in Redis. What a caller chose freely is hashed: a key has a bounded length. What stands in braces keeps the
    /// keys of one client together, where Redis spreads them.
    fn shared_key(&self) -> String {
        let window_ms = self.window_ms;
        match self.key {
            Key::General(Subject::Client(client)) => {
                format!("agentidp:limit:{{{client}}}:{window_ms}")
            }
            Key::General(Subject::TokenRequest { address, client_id }) => {
                let mut context = Context::new(&SHA256);
                for part in [address, client_id] {
                    context.update(&(part.len() as u64).to_be_bytes());
                    context.update(part.as_bytes());
                }
                let hash: String = context.finish().as_ref()[..16]
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                format!("agentidp:limit:token:{{{hash}}}:{window_ms}")
            }
            Key::Operation(client, operation) => {
                format!("agentidp:limit:{{{client}}}:{window_ms}:{operation}")
            }
        }
    }
}

/// A client is one client however its id is spelt: each spelling that authentication takes must not have a limit of its own.
fn usual_spelling(client_id: &str) -> Cow<'_, str> {
    match parse_uuid(client_id) {
        Some(id) => Cow::Owned(id.to_string()),
        None => Cow::Borrowed(client_id),
    }
}

impl Key<'_> {
    /// With whom a key is counted for which there is no room: names are free, addresses are not.
    fn crowd(self) -> Self {
        match self {
            Self::General(Subject::TokenRequest { address, .. }) => {
                Self::General(Subject::TokenRequest {
                    address,
                    client_id: "",
                })
            }
            alone => alone,
        }
    }

    /// Whom the metrics name. A token request is refused before its secret is looked at, so its name counts only when
    /// it is a client's: whoever floods the server with names of its own making takes no client's place.
    fn client(&self, clients: &dyn KnownClients) -> Option<Uuid> {
        match self {
            Self::General(Subject::Client(client)) | Self::Operation(client, _) => Some(*client),
            Self::General(Subject::TokenRequest { client_id, .. }) => Uuid::parse_str(client_id)
                .ok()
                .filter(|client| clients.knows(*client)),
        }
    }
}

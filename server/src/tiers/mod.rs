//! What an organization may do by its tier, and the counting of what it does.
//!
//! Owns: what each tier allows, whether that is enforced (`TIER_ENFORCEMENT`), and the counters of each
//! UTC day, which go on when it is not. Calls count that were authenticated and that rate limit and policy
//! let pass; tokens count that were issued. What is refused does not count.
//!
//! Instances share their counters. Each counts for itself, writes its counts each second ([`writing`])
//! and learns the sum of all by that, so a limit can be passed by what the other instances let through
//! within [`ledger::FRESH_FOR`] and a second. With Redis the counters are exact ([`shared`]); without it,
//! and when it fails, the first way holds. Neither is ever open: when the store cannot say how much was
//! used, no token is issued; other calls are judged by what this instance counted.
//!
//! Refuses: rates of requests (`limits`), and judging the number of agents itself: two registrations at
//! once could both pass, so the store's transaction judges it.

mod day;
mod ledger;
mod limits;
mod shared;
mod writing;

#[cfg(test)]
mod tests;

pub use limits::Daily;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::{task::JoinHandle, time::Instant};
use uuid::Uuid;

use crate::{
    cache::Cache,
    call::Caller,
    clock::{Clock, Timestamp},
    error::ApiError,
    generated::codes::Code,
    metrics::Metrics,
    storage::{AgentsMax, Storage, StorageError, StorageResult, Tier},
};

use ledger::{Account, Known, Ledger, Taken};
use shared::Shared;
use writing::Writing;

/// What the tiers work with.
pub struct Parts {
    /// `TIER_ENFORCEMENT`.
    pub enforced: bool,
    /// Where sums are kept.
    pub storage: Arc<dyn Storage>,
    /// Where instances share exact counters.
    pub cache: Option<Arc<Cache>>,
    /// Counts calls and refusals.
    pub metrics: Arc<Metrics>,
    /// Tells which day it is.
    pub clock: Arc<dyn Clock>,
}

/// The tiers' rules and counters.
pub struct Tiers {
    enforced: bool,
    storage: Arc<dyn Storage>,
    shared: Option<Shared>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    writing: Arc<Writing>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Whose use is counted.
#[derive(Clone, Copy, Debug)]
pub struct Tenant {
    /// The organization.
    pub organization: Uuid,
    /// What it has agreed to.
    pub tier: Tier,
}

/// A token that is counted; see [`Tiers::give_back`].
#[derive(Debug)]
#[must_use]
pub struct CountedToken(Account, Tier);

impl Tiers {
    /// Starts to count.
    pub fn start(parts: Parts) -> Arc<Self> {
        let ledger = Arc::new(Ledger::default());
        let writing = Arc::new(Writing::new(
            Arc::clone(&ledger),
            Arc::clone(&parts.storage),
            Arc::clone(&parts.clock),
        ));
        Arc::new(Self {
            enforced: parts.enforced,
            storage: parts.storage,
            shared: parts.cache.map(Shared::new),
            metrics: parts.metrics,
            clock: parts.clock,
            ledger,
            task: Mutex::new(Some(writing.spawn())),
            writing,
        })
    }

    /// How many agents an organization may have.
    pub fn agents_max(&self) -> AgentsMax {
        if self.enforced {
            limits::agents_max
        } else {
            |_| None
        }
    }

    /// The store refused an agent of that organization because of its tier.
    pub fn agent_refused(&self, organization: Uuid) {
        self.metrics.limit_rejection(organization, "agents");
    }

    /// Counts a call that is let through: `tier_limit_exceeded` when it is one too many.
    pub async fn count_call(&self, caller: &Caller) -> Result<(), ApiError> {
        let tenant = Tenant {
            organization: caller.organization_id,
            tier: caller.tier,
        };
        self.count(tenant, Daily::Calls).await?;
        self.metrics
            .tenant_call(tenant.organization, tenant.tier.as_str());
        Ok(())
    }

    /// Counts a token that is about to be issued: `tier_limit_exceeded` when it is one too many, 503 when that
    /// cannot be told.
    pub async fn count_token(&self, tenant: Tenant) -> Result<CountedToken, ApiError> {
        let account = self.count(tenant, Daily::Tokens).await?;
        Ok(CountedToken(account, tenant.tier))
    }

    /// The token was not issued after all.
    pub async fn give_back(&self, CountedToken(account, tier): CountedToken) {
        self.ledger.add(account, Daily::Tokens.times(-1));
        if let Some(shared) = &self.shared
            && self.max(tier, Daily::Tokens).is_some()
            && let Err(error) = shared.give_back(account, Daily::Tokens).await
        {
            // At worst the organization has one token less today.
            tracing::debug!(%error, "a token that was not issued stays counted in Redis");
        }
    }

    /// Ends the counting and writes the rest.
    pub async fn stop(&self) {
        let task = self.task.lock().take();
        if let Some(task) = task {
            task.abort();
            // Aborted is what was asked for.
            let _ = task.await;
        }
        self.writing.finish().await;
    }

    async fn count(&self, tenant: Tenant, what: Daily) -> Result<Account, ApiError> {
        let now = self.clock.now();
        let account = Account {
            organization: tenant.organization,
            day: day::day(now),
        };
        let Some(max) = self.max(tenant.tier, what) else {
            self.ledger.add(account, what.times(1));
            return Ok(account);
        };
        if self.take(account, what, max, now).await? {
            return Ok(account);
        }
        self.metrics
            .limit_rejection(tenant.organization, what.as_str());
        Err(refusal(tenant.tier, what, max, now))
    }

    fn max(&self, tier: Tier, what: Daily) -> Option<i64> {
        limits::daily_max(tier, what).filter(|_| self.enforced)
    }

    /// One more, if it is allowed.
    async fn take(
        &self,
        account: Account,
        what: Daily,
        max: i64,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        if let Some(shared) = &self.shared
            && let Some(known) = self.certain(account, what).await
        {
            if known >= max {
                return Ok(false);
            }
            match shared.take(account, what, known, max, now).await {
                Ok(true) => {
                    self.ledger.add(account, what.times(1));
                    return Ok(true);
                }
                Ok(false) => return Ok(false),
                Err(error) => tracing::debug!(%error, "use is counted without Redis"),
            }
        }
        self.take_here(account, what, max).await
    }

    /// The same without Redis. A store that takes longer to answer than its word is good for has not answered.
    async fn take_here(&self, account: Account, what: Daily, max: i64) -> Result<bool, ApiError> {
        match self.ledger.take(account, what, max, Instant::now()) {
            Taken::Counted => return Ok(true),
            Taken::Refused => return Ok(false),
            Taken::Unknown => {}
        }
        let silence = match self.learn(account).await {
            Ok(()) => StorageError::Unavailable("usage was not read in time".to_owned()),
            Err(error) => error,
        };
        match self.ledger.take(account, what, max, Instant::now()) {
            Taken::Counted => Ok(true),
            Taken::Refused => Ok(false),
            Taken::Unknown if what == Daily::Tokens => Err(silence.into()),
            Taken::Unknown => {
                tracing::debug!(error = %silence, "a call is judged by what this instance counted");
                Ok(self.ledger.take_unsure(account, what, max))
            }
        }
    }

    /// What was certainly counted; the store is asked when nothing is known. `None` when it does not answer.
    async fn certain(&self, account: Account, what: Daily) -> Option<i64> {
        for _ in 0..2 {
            match self.ledger.known(account, what, Instant::now()) {
                Known::Old(sum) | Known::Fresh(sum) => return Some(sum),
                Known::Nothing => self.learn(account).await.ok()?,
            }
        }
        None
    }

    async fn learn(&self, account: Account) -> StorageResult<()> {
        let asked = Instant::now();
        let usage = self
            .storage
            .usage()
            .get(account.organization, account.day)
            .await?;
        self.ledger.learn(account, usage, asked);
        Ok(())
    }
}

fn refusal(tier: Tier, what: Daily, max: i64, now: Timestamp) -> ApiError {
    let (tier, what) = (tier.as_str(), what.as_str());
    ApiError::new(Code::TierLimitExceeded)
        .message(format!(
            "The {tier} tier allows {max} {what} a day; the day ends at midnight UTC."
        ))
        .detail("tier", tier)
        .detail("limit", max)
        .detail("resetsAt", day::end(day::day(now)).to_string())
        .retry_after(day::rest(now))
}

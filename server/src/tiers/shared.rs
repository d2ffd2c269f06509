//! Counters in Redis: exact across instances, one round trip, and not the truth. Redis may have lost
//! them, so every call brings along what its instance knows for certain, and the larger number counts.

use std::sync::Arc;

use super::{day, ledger::Account, limits::Daily};
use crate::{
    cache::{Cache, CacheError, Script},
    clock::Timestamp,
};

/// `KEYS[1]` the counter; `ARGV`: what is known for certain, what is allowed, how many seconds it is kept.
/// Answers whether one more was counted.
const TAKE: &str = "
local counted = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1]))
if counted >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', counted + 1), 'EX', ARGV[3])
return 1";

/// `KEYS[1]` the counter: one less, if it is there.
const GIVE_BACK: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECR', KEYS[1]) end
return 0";

/// How long a counter outlives its day, for instances whose clock is late. It is kept by a length of time,
/// not until a moment: the clock of Redis may be another one.
const KEPT_SECONDS: i64 = 3600;

/// The counters of every organization.
pub(super) struct Shared {
    cache: Arc<Cache>,
    take: Script,
    give_back: Script,
}

impl Shared {
    /// In that Redis.
    pub fn new(cache: Arc<Cache>) -> Self {
        Self {
            cache,
            take: Script::new(TAKE),
            give_back: Script::new(GIVE_BACK),
        }
    }

    /// Counts one more unless that makes more than `max`; `known` were certainly counted before.
    pub async fn take(
        &self,
        account: Account,
        what: Daily,
        known: i64,
        max: i64,
        now: Timestamp,
    ) -> Result<bool, CacheError> {
        let kept = day::end(account.day).seconds() - now.seconds() + KEPT_SECONDS;
        let counted: i64 = self
            .cache
            .run_script(
                &self.take,
                &[key(account, what)],
                &[known, max, kept.max(1)],
            )
            .await?;
        Ok(counted == 1)
    }

    /// Takes one back that did not happen after all.
    pub async fn give_back(&self, account: Account, what: Daily) -> Result<(), CacheError> {
        let none: [i64; 0] = [];
        self.cache
            .run_script::<i64>(&self.give_back, &[key(account, what)], &none)
            .await
            .map(drop)
    }
}

fn key(account: Account, what: Daily) -> String {
    let Account { organization, day } = account;
    format!("usage:{organization}:{day}:{}", what.as_str())
}

//! Request rate limits: a sliding window in this process.
//!
//! Who is counted: an authenticated client by its id; a token request by the address it comes
//! from *and* the client id it names, so that nobody can lock another client out. Public
//! operations (health, discovery, keys) are not counted. A limit of 0 requests is off.
//!
//! The window slides by weighting the previous fixed window with the share of it that is still in
//! view: two counters a key instead of a list of moments. Denied requests are not counted.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{clock::Timestamp, config::RateLimit};

const SHARDS: usize = 16;
/// Keys of a shard before old ones are swept out.
const SHARD_KEYS_MAX: usize = 32_768;

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

/// Every subject's counters.
pub struct Limits {
    window_ms: i64,
    max: u32,
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Default)]
struct Shard {
    windows: HashMap<u64, Window>,
    /// Counts everybody who no longer fits: a flood of made-up names limits itself.
    overflow: Window,
}

#[derive(Clone, Copy, Default)]
struct Window {
    /// Number of the window since 1970.
    index: i64,
    current: u32,
    previous: u32,
}

impl Limits {
    /// With these limits.
    pub fn new(limit: RateLimit) -> Self {
        Self {
            window_ms: i64::try_from(limit.window.as_millis())
                .unwrap_or(i64::MAX)
                .max(1),
            max: limit.max_requests,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts a request. `None` when limits are off.
    pub fn count(&self, subject: Subject<'_>, now: Timestamp) -> Option<Standing> {
        if self.max == 0 {
            return None;
        }
        let key = self.hasher.hash_one(subject);
        let shard = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[shard].lock();
        let index = now.ms().div_euclid(self.window_ms);
        let window = shard.window(key, index);
        Some(window.count(self.max, self.window_ms, now.ms()))
    }
}

impl Shard {
    fn window(&mut self, key: u64, index: i64) -> &mut Window {
        if self.windows.len() >= SHARD_KEYS_MAX && !self.windows.contains_key(&key) {
            self.windows.retain(|_, window| window.index + 1 >= index);
            if self.windows.len() >= SHARD_KEYS_MAX {
                return &mut self.overflow;
            }
        }
        self.windows.entry(key).or_default()
    }
}

impl Window {
    fn count(&mut self, max: u32, window_ms: i64, now_ms: i64) -> Standing {
        let index = now_ms.div_euclid(window_ms);
        if index != self.index {
            self.previous = if index == self.index + 1 {
                self.current
            } else {
                0
            };
            self.current = 0;
            self.index = index;
        }
        let into = now_ms.rem_euclid(window_ms);
        let used = self.used(into, window_ms);
        let end = (index + 1) * window_ms;
        let mut standing = Standing {
            limit: max,
            remaining: 0,
            reset_at: end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0),
            retry_after: None,
        };
        if used >= max {
            let wait = self.wait(max, into, window_ms);
            standing.retry_after = Some(Duration::from_millis(wait.unsigned_abs()));
        } else {
            self.current += 1;
            standing.remaining = max - used - 1;
        }
        standing
    }

    /// Requests in view: all of this window, and of the previous one the share that has not slid out, rounded down.
    fn used(&self, into: i64, window_ms: i64) -> u32 {
        let share = i64::from(self.previous) * (window_ms - into) / window_ms;
        self.current
            .saturating_add(u32::try_from(share).unwrap_or(u32::MAX))
    }

    /// How long until one more fits.
    fn wait(&self, max: u32, into: i64, window_ms: i64) -> i64 {
        if self.current >= max {
            // In the next window these requests are the previous ones: wait until enough slid out.
            let over = i64::from(self.current - max) + 1;
            return window_ms - into + over * window_ms / i64::from(self.current) + 1;
        }
        let room = i64::from(max - self.current);
        let previous = i64::from(self.previous).max(1);
        // previous * (window - t) / window < room
        let t = window_ms - room * window_ms / previous + 1;
        (t - into).clamp(1, window_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Subject<'static> = Subject::Client(Uuid::nil());

    fn limits(max: u32) -> Limits {
        Limits::new(RateLimit {
            window: Duration::from_secs(60),
            max_requests: max,
        })
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_700_000_040_000 + ms)
    }

    #[test]
    fn zero_is_off() {
        assert_eq!(limits(0).count(CLIENT, at(0)), None);
    }

    #[test]
    fn allows_the_limit_and_then_says_how_long_to_wait() {
        let limits = limits(3);
        let remaining: Vec<u32> = (0..3)
            .map(|_| limits.count(CLIENT, at(1000)).unwrap().remaining)
            .collect();
        assert_eq!(remaining, [2, 1, 0]);
        let denied = limits.count(CLIENT, at(1000)).unwrap();
        let wait = denied.retry_after.unwrap();
        assert!(wait >= Duration::from_secs(59), "{wait:?}");
        let wait = i64::try_from(wait.as_millis()).unwrap();
        assert_eq!(
            limits.count(CLIENT, at(1000 + wait)).unwrap().retry_after,
            None
        );
        assert!(denied.reset_at * 1000 >= at(1000).ms());
    }

    #[test]
    fn the_window_slides() {
        let limits = limits(10);
        for _ in 0..10 {
            limits.count(CLIENT, at(59_000));
        }
        // Half of the next window later, half of the ten still count.
        let allowed = (0..10)
            .filter(|_| {
                limits
                    .count(CLIENT, at(90_000))
                    .unwrap()
                    .retry_after
                    .is_none()
            })
            .count();
        assert_eq!(allowed, 5);
        assert_eq!(limits.count(CLIENT, at(300_000)).unwrap().remaining, 9);
    }

    #[test]
    fn the_wait_is_long_enough_whatever_came_before() {
        for (before, now) in [(10, 0), (10, 5), (7, 4), (3, 9), (10, 10)] {
            let limits = limits(10);
            for _ in 0..before {
                limits.count(CLIENT, at(30_000));
            }
            for _ in 0..now {
                limits.count(CLIENT, at(70_000));
            }
            let mut ms = 75_000;
            while limits.count(CLIENT, at(ms)).unwrap().retry_after.is_none() {}
            let wait = limits.count(CLIENT, at(ms)).unwrap().retry_after.unwrap();
            ms += i64::try_from(wait.as_millis()).unwrap();
            assert_eq!(
                limits.count(CLIENT, at(ms)).unwrap().retry_after,
                None,
                "{before} {now} {wait:?}"
            );
        }
    }

    #[test]
    fn nobody_is_counted_for_another() {
        let limits = limits(1);
        let from = |address| Subject::TokenRequest {
            address,
            client_id: "a",
        };
        assert_eq!(
            limits.count(from("192.0.2.1"), at(0)).unwrap().retry_after,
            None
        );
        assert!(
            limits
                .count(from("192.0.2.1"), at(0))
                .unwrap()
                .retry_after
                .is_some()
        );
        assert_eq!(
            limits.count(from("192.0.2.2"), at(0)).unwrap().retry_after,
            None
        );
        assert_eq!(limits.count(CLIENT, at(0)).unwrap().retry_after, None);
    }
}

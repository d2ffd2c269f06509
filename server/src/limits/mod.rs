//! Request rate limits: sliding windows in this process.
//!
//! Who is counted: an authenticated client by its id; a token request by the address it comes
//! from *and* the client id it names, so that nobody can lock another client out. Public
//! operations (health, discovery, keys) are not counted. An operation may have a limit of its own
//! beside the general one (`x-rate-limit-per-minute` in the contract), counted for each client; a
//! call that only this one denies still counts as a request of its client.
//!
//! `RATE_LIMIT_MAX_REQUESTS=0` switches every request rate off, those of operations too: whoever
//! measures or tests a server wants none of them.

mod windows;

use std::time::Duration;

use uuid::Uuid;

use crate::{clock::Timestamp, config::RateLimit};

use windows::Windows;

const MINUTE: Duration = Duration::from_secs(60);

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
    general: Windows,
    /// One window for each client and operation that has a limit of its own.
    operations: Windows,
}

impl Limits {
    /// With these limits.
    pub fn new(limit: RateLimit) -> Self {
        Self {
            max: limit.max_requests,
            general: Windows::new(limit.window),
            operations: Windows::new(MINUTE),
        }
    }

    /// Counts a request. `None` when limits are off.
    pub fn count(&self, subject: Subject<'_>, now: Timestamp) -> Option<Standing> {
        (self.max > 0).then(|| self.general.count(subject, self.max, now))
    }

    /// Counts a client's call of an operation that has a limit of its own, in calls a minute.
    /// `None` when limits are off.
    pub fn count_operation(
        &self,
        client: Uuid,
        operation: &'static str,
        max_per_minute: u32,
        now: Timestamp,
    ) -> Option<Standing> {
        let key = (client, operation);
        (self.max > 0).then(|| self.operations.count(key, max_per_minute, now))
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

    #[test]
    fn an_operation_has_its_own_minute_for_each_client() {
        let limits = limits(1);
        let denied = |client, operation, ms| {
            let standing = limits.count_operation(client, operation, 2, at(ms));
            standing.unwrap().retry_after.is_some()
        };
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let asked = [
            denied(a, "x", 0),
            denied(a, "x", 0),
            denied(a, "x", 0),
            denied(a, "y", 0),
            denied(b, "x", 0),
            denied(a, "x", 120_000),
        ];
        assert_eq!(asked, [false, false, true, false, false, false]);
        assert_eq!(
            limits.count(Subject::Client(a), at(0)).unwrap().retry_after,
            None
        );
        let off = Limits::new(RateLimit {
            window: Duration::from_secs(60),
            max_requests: 0,
        });
        assert_eq!(off.count_operation(a, "x", 2, at(0)), None);
    }

    #[test]
    fn the_stricter_of_two_limits_denies_or_leaves_less() {
        let standing = |limit, remaining, wait: Option<u64>| Standing {
            limit,
            remaining,
            reset_at: 0,
            retry_after: wait.map(Duration::from_secs),
        };
        let wide = standing(100, 90, None);
        let narrow = standing(30, 29, None);
        let stopped = standing(30, 0, Some(5));
        let spent = standing(100, 0, None);
        let longer = standing(100, 0, Some(9));
        for (one, other, strict) in [
            (wide, narrow, narrow),
            (spent, narrow, spent),
            (spent, stopped, stopped),
            (stopped, longer, longer),
        ] {
            assert_eq!(one.stricter(other), strict);
            assert_eq!(other.stricter(one), strict);
        }
    }
}

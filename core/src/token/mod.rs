//! Access tokens: what one is, the cache, the public manager.

mod cache;
mod fetch;
mod flight;
mod manager;
mod shared;

use std::time::Duration;

use http::HeaderValue;

pub(crate) use self::cache::TokenCache;
pub use self::manager::TokenManager;
pub(crate) use self::shared::cache_of;
use crate::{Secret, clock::Clock, policy};

/// An access token and when it was asked for.
pub(crate) struct Token {
    pub access: Secret,
    #[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings look at it
    pub token_type: String,
    #[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings look at it
    pub scope: String,
    header: HeaderValue,
    life: Duration,
    window: Duration,
    asked: Moment,
}

/// One moment on both clocks: the monotonic one stands still in suspend, the wall one jumps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub monotonic: Duration,
    pub wall: Duration,
}

impl Moment {
    pub fn now(clock: &dyn Clock) -> Self {
        Self {
            monotonic: clock.monotonic(),
            wall: clock.wall(),
        }
    }
}

/// How far a token is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    /// Serves; a successor should be fetched.
    Renew,
    /// Serves only when no successor can be had.
    Last,
    Expired,
}

impl Token {
    /// The rest of its life: what both clocks allow.
    pub fn rest(&self, now: Moment) -> Duration {
        let by =
            |now: Duration, asked: Duration| self.life.saturating_sub(now.saturating_sub(asked));
        by(now.monotonic, self.asked.monotonic).min(by(now.wall, self.asked.wall))
    }

    pub fn age(&self, now: Moment) -> Age {
        let rest = self.rest(now);
        if rest.is_zero() {
            Age::Expired
        } else if rest > self.window {
            Age::Fresh
        } else if rest < policy::RENEWAL_WAIT_BELOW {
            Age::Last
        } else {
            Age::Renew
        }
    }

    /// `Bearer …`, marked as sensitive.
    pub fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

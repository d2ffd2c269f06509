//! A clock that a host's tests move.

use std::{sync::Arc, time::Duration};

use crate::clock::{Clock, ManualClock};

/// A clock for the tests of a host's users. Clones share the time.
#[derive(Clone, Debug)]
pub struct BridgeClock(ManualClock);

impl BridgeClock {
    /// A clock that stands still at the present.
    #[must_use]
    pub fn manual() -> Self {
        Self(ManualClock::at_present())
    }

    /// Time passes on both clocks; sleepers whose time has come wake up.
    pub fn advance(&self, ms: f64) {
        self.0.advance(duration(ms));
    }

    /// Only the wall clock jumps, forward or (negative) back.
    pub fn jump_wall(&self, ms: f64) {
        self.0.jump_wall(ms);
    }

    /// What every random draw gives from now on, 0 to 1; 0 at first.
    pub fn set_random(&self, value: f64) {
        self.0.set_random(value);
    }

    /// The wall clock: milliseconds since 1970 UTC.
    #[must_use]
    pub fn wall_ms(&self) -> f64 {
        self.0.wall().as_secs_f64() * 1000.0
    }

    /// Blocks the calling thread until somebody sleeps for at most `at_most_ms`, and says for how
    /// many milliseconds; `None` when `patience` (real time) ends before.
    #[must_use]
    pub fn sleeping(&self, at_most_ms: f64, patience: Duration) -> Option<f64> {
        let found = self.0.sleeping_blocking(duration(at_most_ms), patience);
        found.map(|time| time.as_secs_f64() * 1000.0)
    }

    pub(super) fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.0.clone())
    }
}

/// Negative numbers and nonsense are no time.
fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

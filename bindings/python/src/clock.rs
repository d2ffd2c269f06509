//! `NativeClock`: a clock that tests move, instead of the system's.

use std::time::Duration;

use pyo3::prelude::*;
use sentryagent_idp::bridge::BridgeClock;

/// The core's manual clock; times in seconds. Behind `sentryagent_idp.testing.ManualClock`.
#[pyclass(frozen, module = "sentryagent_idp._native")]
pub struct NativeClock {
    clock: BridgeClock,
}

#[pymethods]
impl NativeClock {
    #[new]
    fn new() -> Self {
        Self {
            clock: BridgeClock::manual(),
        }
    }

    fn advance(&self, seconds: f64) {
        self.clock.advance(seconds * 1000.0);
    }

    fn jump_wall(&self, seconds: f64) {
        self.clock.jump_wall(seconds * 1000.0);
    }

    fn set_random(&self, value: f64) {
        self.clock.set_random(value);
    }

    fn time(&self) -> f64 {
        self.clock.wall_ms() / 1000.0
    }

    /// Waits, with the GIL released, until somebody sleeps for at most that long.
    fn sleeping(&self, py: Python<'_>, at_most: f64, patience: f64) -> Option<f64> {
        let patience = Duration::try_from_secs_f64(patience).unwrap_or_default();
        let found = py.detach(|| self.clock.sleeping(at_most * 1000.0, patience));
        found.map(|ms| ms / 1000.0)
    }
}

impl NativeClock {
    /// The core's clock.
    pub fn inner(&self) -> &BridgeClock {
        &self.clock
    }
}

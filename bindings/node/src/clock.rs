//! A clock that tests move.

use std::time::Duration;

use napi::{Env, Task, bindgen_prelude::AsyncTask};
use napi_derive::napi;
use sentryagent_idp::bridge::BridgeClock;

/// For clients and verifiers of tests; it starts at the present and stands still.
#[napi]
pub struct Clock {
    inner: BridgeClock,
}

#[napi]
impl Clock {
    /// A clock of its own.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self {
            inner: BridgeClock::manual(),
        }
    }

    /// Milliseconds pass.
    #[napi(catch_unwind)]
    pub fn advance(&self, ms: f64) {
        self.inner.advance(ms);
    }

    /// The wall clock alone jumps, back when negative.
    #[napi(catch_unwind)]
    pub fn jump_wall(&self, ms: f64) {
        self.inner.jump_wall(ms);
    }

    /// What every random draw gives, 0 to 1.
    #[napi(catch_unwind)]
    pub fn set_random(&self, value: f64) {
        self.inner.set_random(value);
    }

    /// Milliseconds since 1970 UTC.
    #[napi(catch_unwind)]
    pub fn wall_ms(&self) -> f64 {
        self.inner.wall_ms()
    }

    /// Resolves once somebody sleeps for at most that long: for how long; null when the patience ends.
    #[napi(catch_unwind)]
    pub fn sleeping(&self, at_most_ms: f64, patience_ms: u32) -> AsyncTask<Sleeping> {
        AsyncTask::new(Sleeping {
            clock: self.inner.clone(),
            at_most_ms,
            patience: Duration::from_millis(patience_ms.into()),
        })
    }

    /// For clients and verifiers.
    pub(crate) fn bridge(&self) -> &BridgeClock {
        &self.inner
    }
}

/// Waits on a thread of Node's pool.
pub struct Sleeping {
    clock: BridgeClock,
    at_most_ms: f64,
    patience: Duration,
}

impl Task for Sleeping {
    type Output = Option<f64>;
    type JsValue = Option<f64>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.clock.sleeping(self.at_most_ms, self.patience))
    }

    fn resolve(&mut self, _: Env, slept: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(slept)
    }
}

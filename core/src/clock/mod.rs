//! Time and chance, injected.
//!
//! Owns: [`Clock`], the only way the SDK learns the time, waits or draws a random number;
//! [`SystemClock`]; and [`ManualClock`], with which tests decide when time passes.
//! Refuses: policy; see [`crate::policy`].

mod manual;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub use self::manual::ManualClock;

/// A wait.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Time and chance.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Time since some fixed moment; never goes back, may stand still while the machine sleeps.
    fn monotonic(&self) -> Duration;
    /// Time since 1970 UTC; jumps when the clock is set.
    fn wall(&self) -> Duration;
    /// Waits that long.
    fn sleep(&self, time: Duration) -> Sleep;
    /// A number from 0 (inclusive) to 1 (exclusive).
    fn random(&self) -> f64;
}

/// The operating system's clocks, tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
    fn wall(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }
    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
    fn random(&self) -> f64 {
        fastrand::f64()
    }
}

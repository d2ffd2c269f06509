//! Time and chance, injected.
//!
//! Owns: [`Clock`], the only way the SDK learns the time, waits or draws a random number;
//! [`SystemClock`]; and [`ManualClock`], with which tests decide when time passes.
//! Refuses: policy; see [`crate::policy`].

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::{Notify, oneshot};

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

/// A clock for tests: time passes only by [`advance`](Self::advance). Clones share the time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    monotonic: Duration,
    wall: Duration,
    random: f64,
    sleepers: Vec<(Duration, Duration, oneshot::Sender<()>)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            monotonic: Duration::ZERO,
            // 2026-01-01, a time that tokens and certificates of tests can live with.
            wall: Duration::from_secs(1_767_225_600),
            random: 0.0,
            sleepers: Vec::new(),
        }
    }
}

impl ManualClock {
    /// A clock that stands still at 2026-01-01 00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Both clocks go on; sleepers whose time has come wake up.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state();
        state.monotonic += time;
        state.wall += time;
        let now = state.monotonic;
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut state.sleepers)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        state.sleepers = waiting;
        drop(state);
        for (_, _, wake) in due {
            let _ = wake.send(());
        }
    }

    /// Only the wall clock jumps: somebody set it, or the machine slept.
    pub fn set_wall(&self, since_1970: Duration) {
        self.state().wall = since_1970;
    }

    /// What [`Clock::random`] answers from now on.
    pub fn set_random(&self, value: f64) {
        self.state().random = value;
    }

    /// Waits until somebody sleeps for at most `limit`, and says for how long.
    pub async fn sleeping(&self, limit: Duration) -> Duration {
        loop {
            let changed = self.0.changed.notified();
            let found = self
                .state()
                .sleepers
                .iter()
                .find(|(_, time, wake)| *time <= limit && !wake.is_closed())
                .map(|(_, time, _)| *time);
            if let Some(time) = found {
                return time;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        self.state().monotonic
    }
    fn wall(&self) -> Duration {
        self.state().wall
    }
    fn sleep(&self, time: Duration) -> Sleep {
        if time.is_zero() {
            return Box::pin(std::future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        let mut state = self.state();
        let at = state.monotonic.saturating_add(time);
        state.sleepers.push((at, time, wake));
        drop(state);
        self.0.changed.notify_waiters();
        Box::pin(async move {
            let _ = woken.await;
        })
    }
    fn random(&self) -> f64 {
        self.state().random
    }
}

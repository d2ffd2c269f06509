//! A clock whose time passes only when a test says so.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, oneshot};

use super::{Clock, Sleep, SystemClock};

/// A clock for tests: time passes only by [`advance`](Self::advance). Clones share the time.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
    changed_too: Condvar,
}

struct State {
    monotonic: Duration,
    wall: Duration,
    random: f64,
    sleepers: Vec<Sleeper>,
    /// How many sleepers there may be before those who gave up are looked for.
    sweep_at: usize,
}

struct Sleeper {
    until: Duration,
    time: Duration,
    wake: oneshot::Sender<()>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            monotonic: Duration::ZERO,
            // 2026-01-01, a time that tokens and certificates of tests can live with.
            wall: Duration::from_secs(1_767_225_600),
            random: 0.0,
            sleepers: Vec::new(),
            sweep_at: SWEEP_FIRST,
        }
    }
}

const SWEEP_FIRST: usize = 64;

impl State {
    /// The first announced wait that is not longer than `limit`.
    fn sleeping(&self, limit: Duration) -> Option<Duration> {
        self.sleepers
            .iter()
            .find(|s| s.time <= limit && !s.wake.is_closed())
            .map(|s| s.time)
    }

    /// Forgets those who gave up, now and then: a call that ends leaves the sleeper of its deadline.
    fn sweep(&mut self) {
        if self.sleepers.len() >= self.sweep_at {
            self.sleepers.retain(|s| !s.wake.is_closed());
            self.sweep_at = (2 * self.sleepers.len()).max(SWEEP_FIRST);
        }
    }
}

impl ManualClock {
    /// A clock that stands still at 2026-01-01 00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that stands still at the present, for use with servers that know the time.
    #[must_use]
    pub fn at_present() -> Self {
        let clock = Self::default();
        clock.set_wall(SystemClock.wall());
        clock
    }

    /// Both clocks go on; sleepers whose time has come wake up.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state();
        state.monotonic = state.monotonic.saturating_add(time);
        state.wall = state.wall.saturating_add(time);
        let now = state.monotonic;
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut state.sleepers)
            .into_iter()
            .partition(|s| s.until <= now);
        state.sleepers = waiting;
        drop(state);
        for sleeper in due {
            let _ = sleeper.wake.send(());
        }
    }

    /// Only the wall clock jumps: somebody set it, or the machine slept.
    pub fn set_wall(&self, since_1970: Duration) {
        self.state().wall = since_1970;
    }

    /// Only the wall clock jumps, that many milliseconds forward or (negative) back.
    pub fn jump_wall(&self, milliseconds: f64) {
        let by = Duration::try_from_secs_f64(milliseconds.abs() / 1000.0).unwrap_or_default();
        let mut state = self.state();
        state.wall = if milliseconds < 0.0 {
            state.wall.saturating_sub(by)
        } else {
            state.wall.saturating_add(by)
        };
    }

    /// What [`Clock::random`] answers from now on: 0 to 1; what lies outside is the nearer of the two, no number is 0.
    pub fn set_random(&self, value: f64) {
        // A wait of a negative time, or of none that is a number, would be a panic in the middle of a call.
        self.state().random = if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        };
    }

    /// How many sleep at the moment; a call in progress is one, for its deadline.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        let state = self.state();
        state
            .sleepers
            .iter()
            .filter(|s| !s.wake.is_closed())
            .count()
    }

    /// Waits until somebody sleeps for at most `limit`, and says for how long.
    pub async fn sleeping(&self, limit: Duration) -> Duration {
        loop {
            let changed = self.0.changed.notified();
            if let Some(time) = self.state().sleeping(limit) {
                return time;
            }
            changed.await;
        }
    }

    /// As [`sleeping`](Self::sleeping), but blocks the thread, and gives up (`None`) when
    /// `patience`, measured by the real clock, ends.
    #[must_use]
    pub fn sleeping_blocking(&self, limit: Duration, patience: Duration) -> Option<Duration> {
        let end = Instant::now().checked_add(patience);
        let mut state = self.state();
        loop {
            if let Some(time) = state.sleeping(limit) {
                return Some(time);
            }
            let rest = end.map_or(patience, |end| {
                end.saturating_duration_since(Instant::now())
            });
            if rest.is_zero() {
                return None;
            }
            let woken = self.0.changed_too.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
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
        state.sweep();
        let until = state.monotonic.saturating_add(time);
        state.sleepers.push(Sleeper { until, time, wake });
        drop(state);
        self.0.changed.notify_waiters();
        self.0.changed_too.notify_all();
        Box::pin(async move {
            let _ = woken.await;
        })
    }
    fn random(&self) -> f64 {
        self.state().random
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("ManualClock")
            .field("monotonic", &state.monotonic)
            .field("wall", &state.wall)
            .field("random", &state.random)
            .field("sleepers", &state.sleepers.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers_that_gave_up_are_forgotten() {
        let clock = ManualClock::new();
        let kept = clock.sleep(Duration::from_secs(5));
        for _ in 0..10_000 {
            drop(clock.sleep(Duration::from_secs(30)));
        }
        assert!(clock.state().sleepers.len() <= SWEEP_FIRST);
        assert_eq!(
            clock.sleeping_blocking(Duration::from_secs(60), Duration::ZERO),
            Some(Duration::from_secs(5))
        );
        drop(kept);
        assert_eq!(
            clock.sleeping_blocking(Duration::from_secs(60), Duration::ZERO),
            None
        );
    }

    #[test]
    fn only_the_wall_clock_jumps() {
        let clock = ManualClock::new();
        let (monotonic, wall) = (clock.monotonic(), clock.wall());
        clock.jump_wall(-1500.0);
        assert_eq!(clock.wall(), wall - Duration::from_millis(1500));
        clock.jump_wall(2000.0);
        assert_eq!(clock.wall(), wall + Duration::from_millis(500));
        assert_eq!(clock.monotonic(), monotonic);
    }

    #[test]
    fn a_blocked_thread_learns_of_a_sleeper() {
        let clock = ManualClock::new();
        let other = clock.clone();
        let waiter = std::thread::spawn(move || {
            other.sleeping_blocking(Duration::from_secs(1), Duration::from_secs(20))
        });
        let _sleep = clock.sleep(Duration::from_millis(700));
        assert_eq!(
            waiter.join().expect("no panic"),
            Some(Duration::from_millis(700))
        );
    }
}

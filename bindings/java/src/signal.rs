//! What wakes the pump: a completion or a log record, whichever comes first.
//!
//! Owns: one flag for each, and the wait for either.
//! Refuses: to hold anything itself; whoever is woken takes it from where it lies.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Rung from any thread, waited for by the pump.
pub struct Signal {
    state: Mutex<State>,
    rung: Condvar,
}

struct State {
    completions: bool,
    logs: bool,
    waiting: bool,
}

impl Signal {
    /// Not rung.
    pub const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                completions: false,
                logs: false,
                waiting: false,
            }),
            rung: Condvar::new(),
        }
    }

    /// The queue of completions is no longer empty.
    pub fn completions(&self) {
        self.ring(|state| state.completions = true);
    }

    /// The queue of log records is no longer empty.
    pub fn logs(&self) {
        self.ring(|state| state.logs = true);
    }

    /// Waits until something rang since the last wait, or the time is up.
    pub fn wait(&self, timeout: Duration) {
        let end = Instant::now() + timeout;
        let mut state = self.state();
        while !state.completions && !state.logs {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            state.waiting = true;
            let woken = self.rung.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting = false;
        state.completions = false;
        state.logs = false;
    }

    fn ring(&self, mark: impl FnOnce(&mut State)) {
        let mut state = self.state();
        mark(&mut state);
        let waiting = state.waiting;
        drop(state);
        if waiting {
            self.rung.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rang_before_the_wait_is_not_lost() {
        let signal = Signal::new();
        signal.logs();
        let since = Instant::now();
        signal.wait(Duration::from_secs(60));
        assert!(since.elapsed() < Duration::from_secs(30));
        signal.wait(Duration::from_millis(1));
    }

    #[test]
    fn a_waiting_thread_is_woken() {
        static SIGNAL: Signal = Signal::new();
        let since = Instant::now();
        let pump = std::thread::spawn(|| SIGNAL.wait(Duration::from_secs(60)));
        SIGNAL.completions();
        assert!(pump.join().is_ok());
        assert!(since.elapsed() < Duration::from_secs(30));
    }
}

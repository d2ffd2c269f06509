//! A clock that a host's tests move. Times are nanoseconds.

use std::time::Duration;

use sentryagent_idp::bridge::BridgeClock;

use crate::guard::guard;

/// `agentidp_clock_sleeping`: nobody slept that short until patience ended.
pub const AGENTIDP_CLOCK_NOBODY: i64 = -1;

/// A clock that stands still until it is moved. Opaque.
pub struct AgentidpClock {
    inner: BridgeClock,
}

impl AgentidpClock {
    pub(crate) fn shared(&self) -> &BridgeClock {
        &self.inner
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the core counts milliseconds as f64; what is lost is below a microsecond"
)]
fn milliseconds(ns: i64) -> f64 {
    ns as f64 / 1e6
}

#[expect(clippy::cast_possible_truncation, reason = "times far from the ends")]
fn nanoseconds(ms: f64) -> i64 {
    (ms * 1e6).round() as i64
}

/// A clock that stands still at the present, for clients and verifiers in tests. Null only after a
/// panic. Free it with `agentidp_clock_free`; what was made with it keeps it.
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_clock_new() -> *mut AgentidpClock {
    guard(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(AgentidpClock {
            inner: BridgeClock::manual(),
        }))
    })
}

/// Time passes on the wall and the monotonic clock; sleepers whose time has come wake up. A negative
/// time does nothing.
///
/// # Safety
/// `clock` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_clock_advance(clock: *const AgentidpClock, time_ns: i64) {
    // SAFETY: the caller's promise, passed on.
    let clock = unsafe { clock.as_ref() };
    guard((), || {
        if let Some(clock) = clock {
            clock.inner.advance(milliseconds(time_ns.max(0)));
        }
    });
}

/// Only the wall clock jumps, forward or (negative) back, as when somebody sets it.
///
/// # Safety
/// `clock` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_clock_jump_wall(clock: *const AgentidpClock, time_ns: i64) {
    // SAFETY: the caller's promise, passed on.
    let clock = unsafe { clock.as_ref() };
    guard((), || {
        if let Some(clock) = clock {
            clock.inner.jump_wall(milliseconds(time_ns));
        }
    });
}

/// What every random draw (jitter) gives from now on: a number from 0 to 1, as the 64 bits of its
/// IEEE 754 double; 0 at first.
///
/// # Safety
/// `clock` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_clock_set_random(clock: *const AgentidpClock, value_bits: u64) {
    // SAFETY: the caller's promise, passed on.
    let clock = unsafe { clock.as_ref() };
    guard((), || {
        if let Some(clock) = clock {
            clock.inner.set_random(f64::from_bits(value_bits));
        }
    });
}

/// The wall clock, in nanoseconds since 1970 UTC (to the microsecond); 0 for a null handle.
///
/// # Safety
/// `clock` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_clock_wall(clock: *const AgentidpClock) -> i64 {
    // SAFETY: the caller's promise, passed on.
    let clock = unsafe { clock.as_ref() };
    guard(0, || clock.map_or(0, |c| nanoseconds(c.inner.wall_ms())))
}

/// Blocks the calling thread until somebody sleeps for at most `at_most_ns`, and says for how long;
/// `AGENTIDP_CLOCK_NOBODY` when `patience_ms` of real time end before.
///
/// # Safety
/// `clock` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_clock_sleeping(
    clock: *const AgentidpClock,
    at_most_ns: i64,
    patience_ms: u32,
) -> i64 {
    // SAFETY: the caller's promise, passed on.
    let clock = unsafe { clock.as_ref() };
    guard(AGENTIDP_CLOCK_NOBODY, || {
        let patience = Duration::from_millis(u64::from(patience_ms));
        clock
            .and_then(|c| c.inner.sleeping(milliseconds(at_most_ns.max(0)), patience))
            .map_or(AGENTIDP_CLOCK_NOBODY, nanoseconds)
    })
}

/// Frees the handle. Clients and verifiers that were made with the clock keep its time.
///
/// # Safety
/// `clock` is null or a live handle that no thread uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_clock_free(clock: *mut AgentidpClock) {
    if clock.is_null() {
        return;
    }
    // SAFETY: made by `Box::into_raw` in `agentidp_clock_new`, and the caller gives it up.
    let clock = unsafe { Box::from_raw(clock) };
    guard((), || drop(clock));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_stands_until_it_is_moved() {
        let clock = agentidp_clock_new();
        // SAFETY: a live handle until it is freed at the end.
        unsafe {
            let before = agentidp_clock_wall(clock);
            assert_eq!(agentidp_clock_wall(clock), before);
            agentidp_clock_advance(clock, 1_500_000_000);
            agentidp_clock_jump_wall(clock, -500_000_000);
            agentidp_clock_advance(clock, -1);
            let moved = agentidp_clock_wall(clock) - before;
            assert!((moved - 1_000_000_000).abs() < 2_000, "{moved}");
            assert_eq!(agentidp_clock_sleeping(clock, i64::MAX, 1), -1);
            agentidp_clock_free(clock);
        }
    }

    #[test]
    fn null_is_no_clock() {
        // SAFETY: null is allowed.
        unsafe {
            agentidp_clock_advance(std::ptr::null(), 1);
            agentidp_clock_jump_wall(std::ptr::null(), 1);
            agentidp_clock_set_random(std::ptr::null(), 0);
            assert_eq!(agentidp_clock_wall(std::ptr::null()), 0);
            assert_eq!(agentidp_clock_sleeping(std::ptr::null(), 1, 1), -1);
            agentidp_clock_free(std::ptr::null_mut());
        }
    }
}

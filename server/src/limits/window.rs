//! The arithmetic of one sliding window. `sliding_window.lua` does the same inside Redis; what it answers is judged here.
//!
//! The window slides by weighting the previous fixed window with the share of it that is still in view: two counters a
//! key instead of a list of moments. Denied requests are not counted.
//!
//! A clock that steps back into the previous window (time is set, or Redis moves to another machine) leaves the counters
//! as they are; one that steps back further begins anew.

use std::time::Duration;

use super::Standing;

/// The counters of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Number of the window since 1970.
    pub index: i64,
    pub current: u32,
    pub previous: u32,
}

impl Window {
    /// Moves on to that moment; returns how far into the window it is.
    pub fn advance(&mut self, window_ms: i64, now_ms: i64) -> i64 {
        let index = now_ms.div_euclid(window_ms);
        if index == self.index - 1 {
            return 0;
        }
        if index != self.index {
            let next = index == self.index + 1;
            self.previous = if next { self.current } else { 0 };
            self.current = 0;
            self.index = index;
        }
        now_ms.rem_euclid(window_ms)
    }

    /// Whether one more fits, that far into the window.
    pub fn has_room(self, max: u32, window_ms: i64, into: i64) -> bool {
        self.used(into, window_ms) < max
    }

    /// What the caller is told, given the counters *before* the request.
    pub fn standing(self, admitted: bool, max: u32, window_ms: i64, into: i64) -> Standing {
        let end = (self.index + 1) * window_ms;
        let used = self.used(into, window_ms);
        let wait = (!admitted).then(|| self.wait(max, into, window_ms));
        Standing {
            limit: max,
            remaining: if admitted {
                max.saturating_sub(used.saturating_add(1))
            } else {
                0
            },
            reset_at: end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0),
            retry_after: wait.map(|ms| Duration::from_millis(ms.unsigned_abs())),
        }
    }

    /// Requests in view: all of this window, and of the previous one the share that has not slid out, rounded down.
    fn used(self, into: i64, window_ms: i64) -> u32 {
        let share = i64::from(self.previous) * (window_ms - into) / window_ms;
        self.current
            .saturating_add(u32::try_from(share).unwrap_or(u32::MAX))
    }

    /// How long until one more fits.
    fn wait(self, max: u32, into: i64, window_ms: i64) -> i64 {
        if self.current >= max {
            // In the next window these requests are the previous ones: wait until enough slid out. Of exactly `max` one
            // no longer counts as soon as that window has begun, because the share is rounded down.
            let over = i64::from(self.current - max);
            return window_ms - into + over * window_ms / i64::from(self.current).max(1) + 1;
        }
        let room = i64::from(max - self.current);
        let previous = i64::from(self.previous).max(1);
        // previous * (window - t) / window < room
        let t = window_ms - (room * window_ms + previous - 1) / previous + 1;
        (t - into).clamp(1, window_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let mut window = Window {
            index: 7,
            current: 5,
            previous: 3,
        };
        let before = window;
        assert_eq!(window.advance(1000, 6_999), 0);
        assert_eq!(window, before);
        assert!(!window.has_room(8, 1000, 0));
        assert_eq!(window.advance(1000, 5_000), 0);
        assert_eq!((window.index, window.current, window.previous), (5, 0, 0));
    }
}

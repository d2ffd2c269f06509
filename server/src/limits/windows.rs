//! Counters of sliding windows of one length, one for each key.
//!
//! The window slides by weighting the previous fixed window with the share of it that is still in
//! view: two counters a key instead of a list of moments. Denied requests are not counted.
//! Refuses: knowing whom a key stands for, and how many requests it may make.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use parking_lot::Mutex;

use super::Standing;
use crate::clock::Timestamp;

const SHARDS: usize = 16;
/// Keys of a shard before old ones are swept out.
const SHARD_KEYS_MAX: usize = 32_768;

/// The counters of every key.
pub(super) struct Windows {
    window_ms: i64,
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Default)]
struct Shard {
    windows: HashMap<u64, Window>,
    /// Counts everybody who no longer fits: a flood of made-up names limits itself.
    overflow: Window,
}

#[derive(Clone, Copy, Default)]
struct Window {
    /// Number of the window since 1970.
    index: i64,
    current: u32,
    previous: u32,
}

impl Windows {
    /// Windows of that length, a millisecond at least.
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window_ms: i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts a request of which at most `max` fit into the window.
    pub(super) fn count(&self, key: impl Hash, max: u32, now: Timestamp) -> Standing {
        let key = self.hasher.hash_one(key);
        let shard = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[shard].lock();
        let index = now.ms().div_euclid(self.window_ms);
        let window = shard.window(key, index);
        window.count(max, self.window_ms, now.ms())
    }
}

impl Shard {
    fn window(&mut self, key: u64, index: i64) -> &mut Window {
        if self.windows.len() >= SHARD_KEYS_MAX && !self.windows.contains_key(&key) {
            self.windows.retain(|_, window| window.index + 1 >= index);
            if self.windows.len() >= SHARD_KEYS_MAX {
                return &mut self.overflow;
            }
        }
        self.windows.entry(key).or_default()
    }
}

impl Window {
    fn count(&mut self, max: u32, window_ms: i64, now_ms: i64) -> Standing {
        let index = now_ms.div_euclid(window_ms);
        if index != self.index {
            self.previous = if index == self.index + 1 {
                self.current
            } else {
                0
            };
            self.current = 0;
            self.index = index;
        }
        let into = now_ms.rem_euclid(window_ms);
        let used = self.used(into, window_ms);
        let end = (index + 1) * window_ms;
        let mut standing = Standing {
            limit: max,
            remaining: 0,
            reset_at: end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0),
            retry_after: None,
        };
        if used >= max {
            let wait = self.wait(max, into, window_ms);
            standing.retry_after = Some(Duration::from_millis(wait.unsigned_abs()));
        } else {
            self.current += 1;
            standing.remaining = max - used - 1;
        }
        standing
    }

    /// Requests in view: all of this window, and of the previous one the share that has not slid out, rounded down.
    fn used(&self, into: i64, window_ms: i64) -> u32 {
        let share = i64::from(self.previous) * (window_ms - into) / window_ms;
        self.current
            .saturating_add(u32::try_from(share).unwrap_or(u32::MAX))
    }

    /// How long until one more fits.
    fn wait(&self, max: u32, into: i64, window_ms: i64) -> i64 {
        if self.current >= max {
            // In the next window these requests are the previous ones: wait until enough slid out.
            let over = i64::from(self.current - max) + 1;
            return window_ms - into + over * window_ms / i64::from(self.current) + 1;
        }
        let room = i64::from(max - self.current);
        let previous = i64::from(self.previous).max(1);
        // previous * (window - t) / window < room
        let t = window_ms - room * window_ms / previous + 1;
        (t - into).clamp(1, window_ms)
    }
}

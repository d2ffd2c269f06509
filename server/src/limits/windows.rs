//! Counters of sliding windows of one length in this process, one for each key.
//!
//! Refuses: knowing whom a key stands for, and how many requests it may make.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
};

use parking_lot::Mutex;

use super::{Standing, window::Window};
use crate::clock::Timestamp;

const SHARDS: usize = 16;
/// Keys of a shard before old ones are swept out.
const SHARD_KEYS_MAX: usize = 32_768;
/// Crowds of a shard.
const CROWDS: usize = 64;

/// The counters of every key.
pub(super) struct Windows {
    window_ms: i64,
    shard_keys_max: usize,
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    windows: HashMap<u64, Window>,
    /// During which window it was swept.
    swept: Option<i64>,
    /// Count those who no longer fit, a crowd together: a flood of made-up names limits itself, and nobody who is not
    /// of its crowd.
    crowds: [Window; CROWDS],
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            windows: HashMap::new(),
            swept: None,
            crowds: [Window::default(); CROWDS],
        }
    }
}

impl Windows {
    /// Windows of that length.
    pub fn new(window_ms: i64) -> Self {
        Self::with_room(window_ms, SHARD_KEYS_MAX)
    }

    /// The same for that many keys a shard.
    pub fn with_room(window_ms: i64, shard_keys_max: usize) -> Self {
        Self {
            window_ms,
            shard_keys_max,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts a request of which at most `max` fit into the window; with those of its crowd when there is no room for it.
    pub fn count(&self, key: impl Hash, crowd: impl Hash, max: u32, now: Timestamp) -> Standing {
        self.with(key, crowd, now, |window, into| {
            let admitted = window.has_room(max, self.window_ms, into);
            let standing = window.standing(admitted, max, self.window_ms, into);
            window.current += u32::from(admitted);
            standing
        })
    }

    /// Counts a request that somebody else let pass.
    pub fn note(&self, key: impl Hash, crowd: impl Hash, now: Timestamp) {
        self.with(key, crowd, now, |window, _| {
            window.current = window.current.saturating_add(1);
        });
    }

    /// Whether the key has counters of its own, or can have.
    pub fn has_room_for(&self, key: impl Hash, now: Timestamp) -> bool {
        let (mut shard, key, index) = self.shard(key, now);
        shard.make_room(key, index, self.shard_keys_max)
    }

    fn with<T>(
        &self,
        key: impl Hash,
        crowd: impl Hash,
        now: Timestamp,
        work: impl FnOnce(&mut Window, i64) -> T,
    ) -> T {
        let (mut shard, key, index) = self.shard(key, now);
        let window = if shard.make_room(key, index, self.shard_keys_max) {
            shard.windows.entry(key).or_default()
        } else {
            let crowd = self.hasher.hash_one(crowd) % CROWDS as u64;
            &mut shard.crowds[usize::try_from(crowd).unwrap_or(0)]
        };
        let into = window.advance(self.window_ms, now.ms());
        work(window, into)
    }

    fn shard(
        &self,
        key: impl Hash,
        now: Timestamp,
    ) -> (parking_lot::MutexGuard<'_, Shard>, u64, i64) {
        let key = self.hasher.hash_one(key);
        let shard = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let index = now.ms().div_euclid(self.window_ms);
        (self.shards[shard].lock(), key, index)
    }
}

impl Shard {
    /// Sweeps out what is old when it is full.
    fn make_room(&mut self, key: u64, index: i64, keys_max: usize) -> bool {
        if self.windows.len() < keys_max || self.windows.contains_key(&key) {
            return true;
        }
        if self.is_dusty(index) {
            self.windows.retain(|_, window| window.index + 1 >= index);
        }
        self.windows.len() < keys_max
    }

    /// Whether something may have become old since it was last swept: once a window, or each request of a flood would
    /// look at every key.
    fn is_dusty(&mut self, index: i64) -> bool {
        self.swept.replace(index) != Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_shard_is_swept_once_a_window() {
        let mut shard = Shard::default();
        let swept = [5, 5, 6, 6, 5].map(|index| shard.is_dusty(index));
        assert_eq!(swept, [true, false, true, false, true]);
    }

    #[test]
    fn a_flood_of_names_limits_itself_and_no_other_crowd() {
        let windows = Windows::with_room(60_000, 8);
        let now = Timestamp::from_ms(1_700_000_040_000);
        let mut name = 0_u64;
        while windows.has_room_for(name, now) {
            windows.note(name, "flood", now);
            name += 1;
        }
        assert!(name >= 8);
        let denied = |crowd: &str| windows.count(name, crowd, 1, now).retry_after.is_some();
        assert_eq!([denied("flood"), denied("flood")], [false, true]);
        let others = (0..CROWDS).filter(|nth| !denied(&format!("192.0.2.{nth}")));
        assert!(others.count() > 1);
        let later = Timestamp::from_ms(now.ms() + 120_000);
        assert!(windows.has_room_for(name, later));
    }
}

//! A bounded map for hot paths: sharded by key, each shard in two ages. When the young age is full
//! it becomes the old one and the old one is forgotten; what is found in the old age moves back. So
//! every operation takes one short lock and constant time, and what is used stays.
//!
//! Refuses: knowing when a value stops being true. Whoever puts one in says when to take it out.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::Mutex;

const SHARDS: usize = 16;

struct Shard<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

/// See the module.
pub(super) struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    hasher: RandomState,
    /// Entries in one age of one shard.
    age_max: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// Holds about `entries_max`.
    pub(super) fn new(entries_max: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                young: HashMap::new(),
                old: HashMap::new(),
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            age_max: (entries_max / SHARDS / 2).max(1),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut shard = self.shard(key).lock();
        if let Some(value) = shard.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = shard.old.remove_entry(key)?;
        self.put(&mut shard, key, value.clone());
        Some(value)
    }

    pub(super) fn insert(&self, key: K, value: V) {
        self.insert_if(key, value, || true);
    }

    /// Inserts when `still` says so under the lock that removing takes too.
    pub(super) fn insert_if(&self, key: K, value: V, still: impl FnOnce() -> bool) {
        let mut shard = self.shard(&key).lock();
        if still() {
            shard.old.remove(&key);
            self.put(&mut shard, key, value);
        }
    }

    pub(super) fn remove(&self, key: &K) {
        let mut shard = self.shard(key).lock();
        shard.young.remove(key);
        shard.old.remove(key);
    }

    /// Removes every value that `keep` does not want.
    pub(super) fn retain(&self, keep: impl Fn(&V) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.young.retain(|_, value| keep(value));
            shard.old.retain(|_, value| keep(value));
        }
    }

    fn put(&self, shard: &mut Shard<K, V>, key: K, value: V) {
        if shard.young.len() >= self.age_max && !shard.young.contains_key(&key) {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(key, value);
    }

    fn shard(&self, key: &K) -> &Mutex<Shard<K, V>> {
        // The remainder is below SHARDS, so the cast loses nothing.
        let index = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        &self.shards[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_until_it_is_taken_out() {
        let cache = Cache::new(1000);
        cache.insert(1, "one");
        cache.insert(2, "two");
        cache.insert_if(3, "three", || false);
        assert_eq!(
            (cache.get(&1), cache.get(&2), cache.get(&3)),
            (Some("one"), Some("two"), None)
        );
        cache.remove(&1);
        cache.retain(|value| *value != "two");
        assert_eq!((cache.get(&1), cache.get(&2)), (None, None));
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_used() {
        let cache = Cache::new(SHARDS * 8);
        cache.insert(0, 0);
        for key in 1..10_000 {
            cache.insert(key, key);
            assert_eq!(cache.get(&0), Some(0), "after {key}");
        }
        let held: usize = cache
            .shards
            .iter()
            .map(|shard| {
                let shard = shard.lock();
                shard.young.len() + shard.old.len()
            })
            .sum();
        assert!(held <= SHARDS * 8, "{held}");
    }
}

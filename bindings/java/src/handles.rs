//! Numbers that stand for Rust values on the Java side.
//!
//! Java never holds an address: a number that was freed, or never existed, is an error and not a
//! crash.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// The values that Java holds numbers of.
pub struct Handles<T> {
    next: AtomicU64,
    values: RwLock<Option<HashMap<u64, T>>>,
}

impl<T: Clone> Handles<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            next: AtomicU64::new(1),
            values: RwLock::new(None),
        }
    }

    /// Keeps a value and gives its number, never 0 and never given twice.
    pub fn insert(&self, value: T) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.values
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default()
            .insert(id, value);
        id
    }

    /// The value behind a number.
    pub fn get(&self, id: u64) -> Option<T> {
        self.values
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()?
            .get(&id)
            .cloned()
    }

    /// Forgets the value behind a number.
    pub fn remove(&self, id: u64) {
        if let Some(map) = self
            .values
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            map.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_good_until_it_is_removed() {
        let handles = Handles::new();
        let first = handles.insert("first");
        let second = handles.insert("second");
        assert_ne!(first, second);
        assert_eq!(handles.get(first), Some("first"));
        handles.remove(first);
        assert_eq!(handles.get(first), None);
        assert_eq!(handles.get(second), Some("second"));
        assert_eq!(handles.get(0), None);
    }
}

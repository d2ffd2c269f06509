//! How many reads have begun and have no transaction yet: while every connection is in use, those wait for one.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// Their number.
#[derive(Clone, Default)]
pub(super) struct Beginning(Arc<AtomicU32>);

/// One of them, until it is dropped.
pub(super) struct One<'a>(&'a AtomicU32);

impl Beginning {
    /// One more, also when its caller gives up.
    pub fn one_more(&self) -> One<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        One(&self.0)
    }

    /// How many there are.
    pub fn number(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

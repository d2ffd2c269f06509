//! Values that belong to one process: a forked child makes its own and leaves its parent's alone.
//! Without the bridge nobody counts forks, and a value is simply made once.
//!
//! Owns: the count of forks, [`PerProcess`]. Refuses: locks - one may be held by a thread that does
//! not exist in the child.

#[cfg(all(unix, feature = "bridge"))]
use crate::transport::close_inherited;
#[cfg(all(unix, feature = "bridge"))]
use std::sync::atomic::AtomicBool;
use std::{
    ptr,
    sync::atomic::{AtomicPtr, AtomicU64, Ordering},
};

/// How many forks lie between the first process and this one.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// From now on forks are counted, and a child closes the sockets that it inherits. Called before anything is made that a fork would spoil.
#[cfg(feature = "bridge")]
pub(crate) fn watch_forks() {
    #[cfg(unix)]
    {
        static WATCHED: AtomicBool = AtomicBool::new(false);
        extern "C" fn child() {
            FORKS.fetch_add(1, Ordering::Release);
            close_inherited();
        }
        if !WATCHED.load(Ordering::Acquire) {
            // Two threads may both register: then a fork counts twice, which is as good.
            // SAFETY: the handler uses atomics and `close`, which is allowed in a forked child.
            unsafe { libc::pthread_atfork(None, None, Some(child)) };
            WATCHED.store(true, Ordering::Release);
        }
    }
}

/// A value that is made once in each process that uses it.
pub(crate) struct PerProcess<T> {
    current: AtomicPtr<Entry<T>>,
}

struct Entry<T> {
    forks: u64,
    value: T,
}

impl<T> PerProcess<T> {
    pub const fn new() -> Self {
        Self {
            current: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// This process's value, if it has been made.
    pub fn get(&self) -> Option<&T> {
        let seen = self.current.load(Ordering::Acquire);
        // SAFETY: an entry that was once reachable lives as long as `self`: a replaced one is leaked.
        let entry = unsafe { seen.as_ref() }?;
        (entry.forks == FORKS.load(Ordering::Acquire)).then_some(&entry.value)
    }

    /// This process's value; when two threads make one at a time, one of the two is dropped.
    pub fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let seen = self.current.load(Ordering::Acquire);
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let entry = Entry {
            forks: FORKS.load(Ordering::Acquire),
            value: make()?,
        };
        let fresh = Box::into_raw(Box::new(entry));
        let placed =
            self.current
                .compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire);
        let current = match placed {
            // What was seen, if anything, is the parent's: it is leaked on purpose.
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: nobody else has seen `fresh`.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        };
        // SAFETY: as in `get`; a pointer that was placed is never null.
        Ok(unsafe { &(*current).value })
    }

    /// As [`get_or_try_init`](Self::get_or_try_init), for what cannot fail.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        match self.get_or_try_init(|| Ok::<T, std::convert::Infallible>(make())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.get().is_some() {
            // SAFETY: it is this process's entry, made by `Box::into_raw`, and `self` is the last to know it.
            drop(unsafe { Box::from_raw(*self.current.get_mut()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once() {
        let cell = PerProcess::new();
        assert!(cell.get().is_none());
        assert_eq!(*cell.get_or_init(|| 1), 1);
        assert_eq!(*cell.get_or_init(|| 2), 1);
        assert_eq!(cell.get_or_try_init(|| Err("not called")), Ok(&1));
    }

    #[cfg(all(unix, feature = "bridge"))]
    #[test]
    fn a_forked_child_makes_its_own() {
        watch_forks();
        let cell = PerProcess::new();
        cell.get_or_init(|| 1);
        // SAFETY: the child only reads atomics, allocates one value and leaves without unwinding.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let fresh = cell.get().is_none() && *cell.get_or_init(|| 2) == 2;
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(!fresh)) };
        }
        let mut status = 0;
        // SAFETY: waits for the child that was just made.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(status, 0);
        assert_eq!(cell.get(), Some(&1));
    }
}

//! The descriptors of this process's own sockets, so that a forked child can close them.
//!
//! A child inherits its parent's sockets. It must not speak on them, must not end their TLS sessions,
//! and must not keep them open: the server would not see it when the parent closes one. So the
//! child's fork handler closes the descriptors themselves and nothing else.
//!
//! Owns: the set, without a lock, because a lock may be held by a thread that the child does not have.
//! Refuses: descriptors that it was not told of; a number over [`DESCRIPTORS_MAX`] is not kept.

use std::os::fd::RawFd;
use std::{
    ptr,
    sync::atomic::{AtomicPtr, AtomicU64, Ordering},
};

const WORDS: usize = 64;
const PAGE: usize = WORDS * 64;
const PAGES: usize = 256;
/// Linux's own limit for one process (`fs.nr_open`).
const DESCRIPTORS_MAX: usize = PAGE * PAGES;

type Page = [AtomicU64; WORDS];

/// One bit for each descriptor; pages are made when they are needed, and stay.
static SET: [AtomicPtr<Page>; PAGES] = [const { AtomicPtr::new(ptr::null_mut()) }; PAGES];

/// Tells whether what was noted is of this process or of one that it was forked from.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// A descriptor that is in the set.
pub(super) struct Registered {
    descriptor: RawFd,
    epoch: u64,
}

impl Registered {
    pub fn new(descriptor: RawFd) -> Self {
        if let Some((word, bit)) = place(descriptor, true) {
            word.fetch_or(bit, Ordering::AcqRel);
        }
        Self {
            descriptor,
            epoch: EPOCH.load(Ordering::Acquire),
        }
    }

    /// Takes it out; to be called before the descriptor is closed, because its number may then be
    /// given to somebody else. False: it belongs to the parent and must not be touched.
    pub fn release(&self) -> bool {
        if self.epoch != EPOCH.load(Ordering::Acquire) {
            return false;
        }
        if let Some((word, bit)) = place(self.descriptor, false) {
            word.fetch_and(!bit, Ordering::AcqRel);
        }
        true
    }
}

/// Closes everything in the set. For a forked child's handler: only atomics and `close`.
#[cfg(feature = "bridge")]
pub(crate) fn close_inherited() {
    EPOCH.fetch_add(1, Ordering::AcqRel);
    for (number, page) in SET.iter().enumerate() {
        // SAFETY: a page that was placed is never freed.
        let Some(page) = (unsafe { page.load(Ordering::Acquire).as_ref() }) else {
            continue;
        };
        for (place, word) in page.iter().enumerate() {
            let mut bits = word.swap(0, Ordering::AcqRel);
            while bits != 0 {
                let descriptor = number * PAGE + place * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let Ok(descriptor) = RawFd::try_from(descriptor) {
                    // SAFETY: the number is of a socket of ours that this process inherited.
                    unsafe { libc::close(descriptor) };
                }
            }
        }
    }
}

/// The word and the bit of a descriptor.
fn place(descriptor: RawFd, make: bool) -> Option<(&'static AtomicU64, u64)> {
    let number = usize::try_from(descriptor)
        .ok()
        .filter(|number| *number < DESCRIPTORS_MAX)?;
    let slot = &SET[number / PAGE];
    let mut page = slot.load(Ordering::Acquire);
    if page.is_null() && make {
        let fresh: *mut Page = Box::into_raw(Box::new([const { AtomicU64::new(0) }; WORDS]));
        let placed =
            slot.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
        page = match placed {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: nobody else has seen `fresh`.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        };
    }
    // SAFETY: a page that was placed is never freed.
    let page = unsafe { page.as_ref() }?;
    Some((&page[number % PAGE / 64], 1 << (number % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(descriptor: RawFd) -> bool {
        place(descriptor, false).is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
    }

    #[test]
    fn a_descriptor_is_noted_until_it_is_released() {
        // Numbers that no socket of a test has.
        let numbers = [
            900_000,
            900_001,
            904_096,
            RawFd::try_from(DESCRIPTORS_MAX).expect("fits") - 1,
        ];
        let all: Vec<Registered> = numbers.into_iter().map(Registered::new).collect();
        assert!(numbers.into_iter().all(noted));
        assert!(all[1].release());
        assert_eq!(numbers.map(noted), [true, false, true, true]);
        assert!(all.iter().all(Registered::release));
        assert!(!numbers.into_iter().any(noted));
    }

    #[test]
    fn numbers_out_of_range_do_no_harm() {
        for number in [-1, RawFd::MAX] {
            assert!(Registered::new(number).release());
            assert!(!noted(number));
        }
    }
}

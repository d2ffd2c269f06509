//! Bytes from and to the caller: raw pointer and length, checked once, here.

use std::slice;

/// What the caller gave as pointer + length; empty for a null pointer.
///
/// # Safety
/// `data` is null or points to `len` readable bytes that nobody changes while the slice lives.
pub unsafe fn input<'a>(data: *const u8, len: usize) -> &'a [u8] {
    if data.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: not null, and the caller promises `len` readable bytes.
    unsafe { slice::from_raw_parts(data, len) }
}

/// The caller's buffer. It may be uninitialised, so it is only ever written through the pointer.
pub struct Output {
    data: *mut u8,
    capacity: usize,
    used: usize,
}

impl Output {
    /// The buffer at `data`; a null pointer has no capacity.
    ///
    /// # Safety
    /// `data` is null or points to `capacity` writable bytes that nobody else uses while this lives.
    pub unsafe fn new(data: *mut u8, capacity: usize) -> Self {
        Self {
            data,
            capacity: if data.is_null() { 0 } else { capacity },
            used: 0,
        }
    }

    /// How much more fits.
    pub fn room(&self) -> usize {
        self.capacity - self.used
    }

    /// How much was written.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Appends all of `bytes`; does nothing when they do not fit.
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > self.room() || bytes.is_empty() {
            return;
        }
        // SAFETY: `used + bytes.len() <= capacity`, and the caller promised that many bytes. The
        // two do not overlap: `bytes` is ours.
        unsafe {
            self.data
                .add(self.used)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        self.used += bytes.len();
    }

    /// Writes `bytes` if they fit and returns their length either way.
    pub fn fill(mut self, bytes: &[u8]) -> usize {
        self.put(bytes);
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Output, input};

    #[test]
    fn a_buffer_that_is_too_small_stays_untouched_and_the_length_is_told() {
        let mut small = [9u8; 3];
        // SAFETY: the array is ours and outlives the call.
        let needed = unsafe { Output::new(small.as_mut_ptr(), small.len()) }.fill(b"four");
        assert_eq!((needed, small), (4, [9, 9, 9]));
        let mut exact = [0u8; 4];
        // SAFETY: as above.
        let needed = unsafe { Output::new(exact.as_mut_ptr(), exact.len()) }.fill(b"four");
        assert_eq!((needed, &exact), (4, b"four"));
    }

    #[test]
    fn null_is_empty() {
        // SAFETY: null is allowed.
        assert_eq!(unsafe { input(std::ptr::null(), 5) }, b"");
        // SAFETY: null is allowed.
        assert_eq!(unsafe { Output::new(std::ptr::null_mut(), 5) }.room(), 0);
    }
}

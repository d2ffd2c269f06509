//! Keeps panics on this side of the boundary: unwinding into a foreign frame is undefined.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `act`; a panic becomes `fallback`. The panic hook has printed its message by then.
///
/// `AssertUnwindSafe` is right here because what `act` touches is either dropped with it or sits
/// behind locks that recover from poisoning.
pub fn guard<T>(fallback: T, act: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn a_panic_becomes_the_fallback() {
        assert_eq!(guard(7, || 3), 3);
        assert_eq!(guard(7, || panic!("stays inside")), 7);
    }
}

//! Section health: whether this instance should get traffic, and what it depends on.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the server has been asked to stop.
#[derive(Debug, Default)]
pub struct Lifecycle(AtomicBool);

impl Lifecycle {
    /// From now on load balancers are told to send nothing more.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// It has been asked to.
    pub fn is_stopping(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

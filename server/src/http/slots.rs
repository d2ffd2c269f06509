//! How many requests are worked on at once.
//!
//! A server that takes more than it can do answers nobody in time. Beyond the limit a request is refused at once, with
//! 503 and a `Retry-After`, before anything is asked or read. `/health` is answered all the same: whoever asks there
//! wants to know whether this instance lives.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::facts::Facts;
use crate::{error::ApiError, generated::codes::Code};

/// When to try again.
const PAUSE: Duration = Duration::from_secs(1);

/// Free places.
pub struct Slots(Semaphore);

impl Slots {
    /// That many.
    pub fn new(requests_max: usize) -> Self {
        Self(Semaphore::new(requests_max))
    }

    /// A place for this request, until it is dropped; none is needed for `/health`.
    pub fn take(&self, facts: &Facts) -> Result<Option<SemaphorePermit<'_>>, ApiError> {
        if facts.route.starts_with("/health") {
            return Ok(None);
        }
        self.0.try_acquire().map(Some).map_err(|_| {
            ApiError::new(Code::ServiceUnavailable)
                .message("Too many requests at once; retry in a moment.")
                .retry_after(PAUSE)
        })
    }
}

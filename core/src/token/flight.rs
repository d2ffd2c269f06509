//! A token request on its way, as those see it who may wait for it.
//!
//! Owns: whether it still flies, whether its failure is also another caller's, and how long a caller on
//! another runtime may rely on it.
//! Refuses: fetching, and keeping what was fetched.

use std::{sync::Arc, time::Duration};

use tokio::{runtime, sync::watch};

use super::Token;
use crate::{Error, client::Core, policy};

pub(super) type Outcome = Result<Arc<Token>, Error>;
pub(super) type Landing = watch::Receiver<Option<Outcome>>;

pub(super) struct Flight {
    pub id: u64,
    pub landing: Landing,
    /// Monotonic.
    pub took_off: Duration,
    pub runtime: runtime::Id,
    pub effort: Effort,
}

/// How much a client does for a token before it gives up.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    timeout: Duration,
    connect_timeout: Duration,
    retries: u32,
}

impl Effort {
    pub fn of(core: &Core) -> Self {
        Self {
            timeout: core.config.timeout.value,
            connect_timeout: core.config.network.connect_timeout.value,
            retries: core.config.retries.value,
        }
    }

    /// Whether its failure is also the failure of a caller that would do that much.
    pub fn covers(self, other: Self) -> bool {
        self.timeout >= other.timeout
            && self.connect_timeout >= other.connect_timeout
            && self.retries >= other.retries
    }
}

impl Flight {
    /// The task is gone without a result: its runtime was shut down.
    fn is_lost(&self) -> bool {
        self.landing.has_changed().is_err() && self.landing.borrow().is_none()
    }

    /// A place on it, unless it is lost or should have landed long ago on a runtime that is not the
    /// caller's.
    pub fn seat(&self, here: Option<runtime::Id>, now: Duration) -> Option<Seat> {
        let waited = now.saturating_sub(self.took_off);
        let reliable_for = here
            .filter(|here| *here != self.runtime)
            .map(|_| policy::FOREIGN_FLIGHT_MAX.saturating_sub(waited));
        if self.is_lost() || reliable_for.is_some_and(|rest| rest.is_zero()) {
            return None;
        }
        Some(Seat {
            id: self.id,
            landing: self.landing.clone(),
            took_off: self.took_off,
            effort: self.effort,
            reliable_for,
        })
    }
}

/// A place on a flight.
pub(super) struct Seat {
    pub id: u64,
    pub landing: Landing,
    pub took_off: Duration,
    pub effort: Effort,
    /// It is on another runtime, which may not be driven: after this time the caller looks for itself.
    pub reliable_for: Option<Duration>,
}

//! The life of `VAULT_TOKEN`.
//!
//! A token that Vault lets live longer is renewed when two thirds of its present life are over, by each instance for
//! itself: instances may have tokens of their own, and renewing one twice does no harm. One that cannot be renewed is
//! left alone, and its coming end is logged whenever two thirds of what was left are over; so is the end of one that
//! comes to its maximum life. Renewing does not change the token, so nothing has to be exchanged or kept.
//!
//! Refuses: logging or returning the token, getting a new one, and making any request wait.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{Client, VaultError};
use crate::clock::{Clock, Timestamp};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait after the first failure; doubled each time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// No longer than that.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// When a token that has no end is looked at again.
const ENDLESS_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// How long Vault lets the token live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// From now; `None`: for ever.
    pub left: Option<Duration>,
    /// Whether it can be made longer.
    pub renewable: bool,
}

/// What is known of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    /// It ends then, if it is not renewed; so much was granted.
    Renewable(Timestamp, Duration),
    /// It ends then.
    Fixed(Timestamp),
    Endless,
}

/// Looks after the token of one client.
pub struct Renewal {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
    known: Known,
    /// When something was done last, and when it is time again.
    done_at: Timestamp,
    next_at: Timestamp,
    /// After the next failure.
    pause: Duration,
    /// Whether the operator was told that it fails, and that the token is over.
    failing: bool,
    is_over: bool,
}

impl Renewal {
    /// Nothing is sent yet.
    pub fn new(client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        Self {
            client,
            clock,
            known: Known::Nothing,
            done_at: now,
            next_at: now,
            pause: PAUSE_MIN,
            failing: false,
            is_over: false,
        }
    }

    /// Looks after it until the task is aborted.
    pub fn start(client: Arc<Client>, clock: Arc<dyn Clock>) -> JoinHandle<()> {
        let mut this = Self::new(client, clock);
        tokio::spawn(async move {
            let mut ticks = interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                this.look().await;
            }
        })
    }

    /// Does what it is time for, if it is. A clock that was put back makes it time.
    pub async fn look(&mut self) {
        let now = self.clock.now();
        if (self.done_at..self.next_at).contains(&now) {
            return;
        }
        let outcome = match self.known {
            Known::Renewable(..) => self.client.renew_token().await,
            _ => self.client.token_lease().await,
        };
        self.done_at = now;
        match outcome {
            Ok(lease) => self.learn(lease, now),
            Err(error) => self.fail(&error, now),
        }
    }

    fn learn(&mut self, lease: Lease, now: Timestamp) {
        if self.failing {
            tracing::info!("VAULT_TOKEN is looked after again");
        }
        self.failing = false;
        self.is_over = false;
        self.pause = PAUSE_MIN;
        let two_thirds = |left: Duration| left / 3 * 2;
        let (known, wait) = match lease.left {
            None => (Known::Endless, ENDLESS_PAUSE),
            Some(left) if lease.renewable => (
                Known::Renewable(now.plus(left), left),
                two_thirds(left).max(PAUSE_MIN),
            ),
            // The last line before its end comes a minute before it, or sooner.
            Some(left) => (
                Known::Fixed(now.plus(left)),
                two_thirds(left).max(PAUSE_MAX),
            ),
        };
        match (self.known, known) {
            (_, Known::Fixed(end)) => warn_of_the_end(end, "it cannot be renewed"),
            // Less than the time before is granted only when nothing more can be.
            (Known::Renewable(_, before), Known::Renewable(end, left))
                if left < before / 10 * 9 =>
            {
                warn_of_the_end(end, "it comes to its maximum life");
            }
            (Known::Renewable(..), Known::Renewable(end, _)) => {
                tracing::debug!(%end, "VAULT_TOKEN was renewed");
            }
            _ => {}
        }
        self.known = known;
        self.next_at = now.plus(wait);
    }

    fn fail(&mut self, error: &VaultError, now: Timestamp) {
        self.next_at = now.plus(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        let (Known::Renewable(end, _) | Known::Fixed(end)) = self.known else {
            if !self.failing {
                tracing::warn!(%error, "how long VAULT_TOKEN lives is not known; asking again");
            }
            self.failing = true;
            return;
        };
        if end <= now && !self.is_over {
            tracing::error!(%end, %error, "VAULT_TOKEN has ended; restart with another one");
            self.is_over = true;
        } else if !self.failing {
            tracing::warn!(%end, %error, "VAULT_TOKEN could not be looked after; trying again");
        }
        self.failing = true;
        // It may have become one that cannot be renewed: Vault says so when it is asked.
        if matches!(error, VaultError::Unexpected(_)) {
            self.known = Known::Nothing;
        }
    }
}

fn warn_of_the_end(end: Timestamp, why: &str) {
    tracing::warn!(%end, why, "VAULT_TOKEN ends; restart with another one before");
}

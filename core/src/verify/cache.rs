//! An issuer's keys, kept.
//!
//! Owns: single flight - any number of callers make one request -, refreshing in the background,
//! keeping what is there while the issuer is away, the limit on refetches for unknown ids.
//! Refuses: dropping keys because a fetch failed; letting a caller that gives up disturb the others;
//! letting tokens with made-up key ids turn into requests.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    runtime::{self, Handle},
    sync::watch,
};

use super::{Inner, fault::unknown_key, fetch::Fetched, key::KeySet};
use crate::{
    Error, ending::runtime_is_ending, log::event, log::milliseconds, policy, token::Moment,
};

type Outcome = Result<Arc<KeySet>, Error>;
type Landing = watch::Receiver<Option<Outcome>>;

/// The cache. Its lock is held for a few instructions only, never over a wait.
#[derive(Default)]
pub(super) struct KeyCache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// When the keys want a refresh, on either clock.
    refresh_at: Option<Moment>,
    flight: Option<Flight>,
    flights: u64,
    /// Failed flights in a row, and until when (monotonic) keys that serve are not refreshed.
    failures: u32,
    pause_until: Duration,
    /// The last failure and until when (monotonic) callers without keys share it.
    shared: Option<(Error, Duration)>,
    /// Until when (monotonic) unknown ids fetch nothing, and how the last fetch ended.
    unknown_until: Duration,
    unknown_failure: Option<Error>,
    /// Where flights can run when the caller has no runtime.
    home: Option<Handle>,
}

struct Flight {
    id: u64,
    landing: Landing,
    runtime: runtime::Id,
    /// Monotonic.
    took_off: Duration,
}

impl Flight {
    /// It will not land: its runtime was shut down, or is not driven - a fetch has a time of its own, and
    /// should have ended long ago.
    fn is_lost(&self, inner: &Inner, now: Moment) -> bool {
        let gone = self.landing.has_changed().is_err() && self.landing.borrow().is_none();
        let late = inner.timeout.saturating_add(policy::FOREIGN_FLIGHT_MAX);
        gone || now.monotonic.saturating_sub(self.took_off) > late
    }
}

/// What can be said of a key id at once.
pub(super) enum Known {
    /// The keys, with this id among them.
    Keys(Arc<KeySet>),
    /// Nobody will know it now.
    Refused(Error),
    /// Somebody has to wait.
    Unsettled,
}

enum Boarding {
    Settled(Outcome),
    Flight(Seat),
}

/// A place on a flight.
struct Seat {
    id: u64,
    landing: Landing,
    /// It is on another runtime than the caller, which may not be driven.
    foreign: bool,
}

impl KeyCache {
    /// What is known of the id without a wait; starts a refresh when that is due.
    pub fn now(&self, inner: &Arc<Inner>, id: &str) -> Known {
        let mut state = self.state();
        let now = Moment::now(&*inner.clock);
        match state.settled(inner, id, now) {
            Some(Ok(keys)) => Known::Keys(keys),
            Some(Err(error)) => Known::Refused(error),
            None => Known::Unsettled,
        }
    }

    /// The keys with this id among them, fetched when need be.
    pub async fn get(&self, inner: &Arc<Inner>, id: &str) -> Outcome {
        loop {
            let mut seat = match self.board(inner, id)? {
                Boarding::Settled(outcome) => return outcome,
                Boarding::Flight(seat) => seat,
            };
            let limit = if seat.foreign {
                inner.clock.sleep(policy::FOREIGN_FLIGHT_MAX)
            } else {
                Box::pin(std::future::pending())
            };
            let outcome = tokio::select! {
                biased;
                landed = seat.landing.wait_for(Option::is_some) => match landed {
                    Ok(outcome) => outcome.clone(),
                    Err(_) => None,
                },
                () = limit => None,
            };
            match outcome {
                // Fetched for this caller or while it waited: whoever is not in there is unknown.
                Some(Ok(keys)) if keys.has(id) => return Ok(keys),
                Some(Ok(_)) => return Err(unknown_key()),
                Some(Err(error)) => return Err(error),
                None => {
                    self.forget(seat.id);
                    // When it is this runtime that ends, it ends this caller here.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn board(&self, inner: &Arc<Inner>, id: &str) -> Result<Boarding, Error> {
        let mut state = self.state();
        let now = Moment::now(&*inner.clock);
        if let Some(outcome) = state.settled(inner, id, now) {
            return Ok(Boarding::Settled(outcome));
        }
        let (seat, started) = state.join_or_start(inner, now)?;
        if started && state.keys.is_some() {
            state.unknown_until = now.monotonic.saturating_add(policy::UNKNOWN_KEY_PAUSE);
        }
        Ok(Boarding::Flight(seat))
    }

    fn forget(&self, id: u64) {
        let mut state = self.state();
        if state.flight.as_ref().is_some_and(|f| f.id == id) {
            state.flight = None;
        }
    }

    /// A flight has ended. A failure leaves the keys as they are.
    fn land(&self, inner: &Inner, id: u64, outcome: Result<Fetched, Error>) -> Outcome {
        let mut state = self.state();
        if state.flight.as_ref().is_some_and(|f| f.id == id) {
            state.flight = None;
        }
        let now = Moment::now(&*inner.clock);
        let random = inner.clock.random();
        match outcome {
            Ok(fetched) => {
                let keys = Arc::new(fetched.keys);
                // Up to a tenth earlier, so that a fleet that started together does not ask together.
                let fresh = fetched.fresh_for.mul_f64(1.0 - 0.1 * random);
                state.keys = Some(keys.clone());
                state.refresh_at = Some(Moment {
                    monotonic: now.monotonic.saturating_add(fresh),
                    wall: now.wall.saturating_add(fresh),
                });
                state.failures = 0;
                state.pause_until = Duration::ZERO;
                state.shared = None;
                state.unknown_failure = None;
                // The host is told when no lock is held: its logger may verify a token itself.
                drop(state);
                event!(
                    DEBUG,
                    None::<u64>,
                    "the issuer's keys were fetched",
                    fresh_s = fresh.as_secs()
                );
                Ok(keys)
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let pause = policy::renewal_pause(state.failures, random);
                state.pause_until = now.monotonic.saturating_add(pause);
                let until = now.monotonic.saturating_add(policy::FAILURE_SHARED);
                state.shared = Some((error.clone(), until));
                state.unknown_failure = Some(error.clone());
                let (serve, failures) = (state.keys.is_some(), state.failures);
                drop(state);
                if serve {
                    event!(
                        WARN,
                        None::<u64>,
                        "the issuer's keys could not be refreshed; the present ones still serve",
                        code = error.code(),
                        failures = failures,
                        pause_ms = milliseconds(pause),
                    );
                }
                Err(error)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What needs no wait: an id that is known, one that is not and may not be asked for now, and a
    /// failure that is still shared.
    fn settled(&mut self, inner: &Arc<Inner>, id: &str, now: Moment) -> Option<Outcome> {
        let Some(keys) = self.keys.clone() else {
            return match &self.shared {
                Some((error, until))
                    if now.monotonic < *until && self.waiting(inner, now).is_none() =>
                {
                    Some(Err(error.clone()))
                }
                _ => None,
            };
        };
        if keys.has(id) {
            let due = self
                .refresh_at
                .is_none_or(|at| now.monotonic >= at.monotonic || now.wall >= at.wall);
            if due && now.monotonic >= self.pause_until {
                // When it cannot start, the keys still serve.
                let _ = self.join_or_start(inner, now);
            }
            return Some(Ok(keys));
        }
        if now.monotonic < self.unknown_until && self.waiting(inner, now).is_none() {
            return Some(Err(self
                .unknown_failure
                .clone()
                .unwrap_or_else(unknown_key)));
        }
        None
    }

    fn waiting(&self, inner: &Inner, now: Moment) -> Option<&Flight> {
        let flight = self.flight.as_ref();
        flight.filter(|flight| !flight.is_lost(inner, now))
    }

    /// The flight in the air, or a new one (then true).
    fn join_or_start(&mut self, inner: &Arc<Inner>, now: Moment) -> Result<(Seat, bool), Error> {
        let here = Handle::try_current().ok();
        if let Some(flight) = self.waiting(inner, now) {
            let seat = Seat {
                id: flight.id,
                landing: flight.landing.clone(),
                foreign: here.is_some_and(|here| here.id() != flight.runtime),
            };
            return Ok((seat, false));
        }
        let runtime = match here {
            Some(here) => here,
            None => self.home.clone().ok_or_else(|| {
                Error::configuration(
                    "a token was verified outside of a tokio runtime; await it inside one",
                )
            })?,
        };
        self.home = Some(runtime.clone());
        self.flights += 1;
        let (id, inner) = (self.flights, inner.clone());
        let (arrival, landing) = watch::channel(None);
        self.flight = Some(Flight {
            id,
            landing: landing.clone(),
            runtime: runtime.id(),
            took_off: now.monotonic,
        });
        runtime.spawn(async move {
            let fetched = AssertUnwindSafe(inner.fetch())
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(Error::connection("fetching keys failed inside the SDK")));
            if fetched.as_ref().is_err_and(Error::is_connection) && runtime_is_ending().await {
                // Lost, as if the task had been dropped: whoever waits elsewhere asks anew.
                return;
            }
            let outcome = inner.keys.land(&inner, id, fetched);
            let _ = arrival.send(Some(outcome));
        });
        let seat = Seat {
            id,
            landing,
            foreign: false,
        };
        Ok((seat, true))
    }
}

//! One token for all callers of a client, and of all clients that share the token.
//!
//! Owns: single flight - any number of callers make one request and share its result and its error
//! -, renewal in the background, dropping a refused token.
//! Refuses: handing out an expired token; letting a caller that gives up disturb the others: a
//! flight is a task of its own, callers only hold a receiver.
//!
//! A flight runs with the client and on the runtime of the caller that started it. Callers that would
//! have been more patient than that client do not take its failure for theirs; callers on another
//! runtime do not rely on somebody driving the flight's.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{runtime::Handle, sync::watch};

use super::{
    Age, Moment, Token,
    fetch::fetch,
    flight::{Effort, Flight, Outcome, Seat},
};
use crate::{
    Error,
    client::Core,
    ending::runtime_is_ending,
    log::{event, milliseconds},
    policy,
};

/// Flights in a row whose token is already expired when it arrives, before a caller gives up.
const EXPIRED_MAX: u32 = 2;
/// Failures of less patient clients that a caller passes over before it takes one for its own.
const FOREIGN_FAILURES_MAX: u32 = 2;

/// The cache. Its lock is held for a few instructions only, never over a wait. It is the standard
/// library's, which has no state outside of itself and so survives a `fork`.
#[derive(Default)]
pub(crate) struct TokenCache {
    state: Mutex<State>,
    /// Clients that are not closed.
    users: AtomicUsize,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    flight: Option<Flight>,
    flights: u64,
    /// Raised by `clear`: what took off before does not land in the cache.
    epoch: u64,
    /// Failed flights in a row, and until when (monotonic) a serving token is not renewed.
    failures: u32,
    pause_until: Duration,
    /// The last failure and until when (monotonic) callers that come late share it.
    shared: Option<(Error, Duration, Effort)>,
    /// Where flights can run when the caller has no runtime.
    home: Option<Handle>,
}

impl TokenCache {
    /// One more client.
    pub fn join(&self) {
        self.users.fetch_add(1, Ordering::AcqRel);
    }

    /// One client less; a token that no open client shares is forgotten.
    pub fn leave(&self) {
        if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.clear();
        }
    }

    /// The token, when it can be had at once; starts its renewal when that is due.
    pub fn cached(&self, core: &Arc<Core>) -> Option<Arc<Token>> {
        let mut state = self.state();
        let token = state.token.clone()?;
        let now = Moment::now(&*core.clock);
        match token.age(now) {
            Age::Fresh => Some(token),
            Age::Renew => {
                state.renew(core, now);
                Some(token)
            }
            Age::Last | Age::Expired => None,
        }
    }

    /// The token, fetched when there is none. `patience` is how long a token's successor may be
    /// waited for while it could still serve.
    pub async fn get(&self, core: &Arc<Core>, patience: Duration) -> Outcome {
        let (mut expired, mut foreign_failures) = (0, 0);
        loop {
            let (seat, spare) = match self.board(core, patience)? {
                Boarding::Served(token) => return Ok(token),
                Boarding::Flight(seat, spare) => (seat, spare),
            };
            let mut landing = seat.landing;
            if let Some(limit) = spare.into_iter().chain(seat.reliable_for).min() {
                tokio::select! {
                    biased;
                    _ = landing.wait_for(Option::is_some) => {}
                    () = core.clock.sleep(limit) => {
                        let now = Moment::now(&*core.clock);
                        if spare.is_some() && let Some(token) = self.living(now) {
                            return Ok(token);
                        }
                        if seat.reliable_for.is_some() {
                            continue;
                        }
                    }
                }
            }
            let outcome = match landing.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_) => None,
            };
            let now = Moment::now(&*core.clock);
            match outcome {
                Some(Ok(token)) if token.age(now) != Age::Expired => return Ok(token),
                Some(Ok(_)) if expired < EXPIRED_MAX => expired += 1,
                Some(Ok(_)) => {
                    return Err(Error::decoding(
                        "the token endpoint answers tokens that have already expired",
                    ));
                }
                Some(Err(error)) => {
                    if let Some(token) = self.living(now) {
                        return Ok(token);
                    }
                    if foreign_failures == FOREIGN_FAILURES_MAX
                        || !error.is_retryable()
                        || seat.effort.covers(Effort::of(core))
                    {
                        return Err(error);
                    }
                    foreign_failures += 1;
                }
                None => {
                    self.forget(seat.id);
                    // When it is this runtime that ends, it ends this caller here.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Drops the token if it is still this one.
    pub fn drop_if_current(&self, token: &Arc<Token>) {
        let mut state = self.state();
        if state
            .token
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, token))
        {
            state.token = None;
        }
    }

    /// Forgets everything; a flight on its way serves those who wait for it and nobody else.
    pub fn clear(&self) {
        let mut state = self.state();
        state.token = None;
        state.flight = None;
        state.epoch += 1;
        state.failures = 0;
        state.pause_until = Duration::ZERO;
        state.shared = None;
    }

    fn board(&self, core: &Arc<Core>, patience: Duration) -> Result<Boarding, Error> {
        let mut state = self.state();
        let now = Moment::now(&*core.clock);
        let mut last = None;
        if let Some(token) = state.token.clone() {
            match token.age(now) {
                Age::Fresh => return Ok(Boarding::Served(token)),
                Age::Renew => {
                    state.renew(core, now);
                    return Ok(Boarding::Served(token));
                }
                Age::Last if state.pauses(now) => return Ok(Boarding::Served(token)),
                Age::Last => last = Some(token),
                Age::Expired => {}
            }
        }
        if let Some((error, until, effort)) = &state.shared
            && now.monotonic < *until
            && (effort.covers(Effort::of(core)) || !error.is_retryable())
        {
            return Err(error.clone());
        }
        let seat = state.join_or_start(core)?;
        let Some(token) = last else {
            return Ok(Boarding::Flight(seat, None));
        };
        // An endpoint that hangs holds callers up once for a while, not until their deadlines.
        let waited = now.monotonic.saturating_sub(seat.took_off);
        let spare = policy::RENEWAL_WAIT_MAX
            .min(patience)
            .saturating_sub(waited);
        // Nor can anybody wait for a time where there is no runtime that has a timer.
        Ok(if spare.is_zero() || Handle::try_current().is_err() {
            Boarding::Served(token)
        } else {
            Boarding::Flight(seat, Some(spare))
        })
    }

    fn living(&self, now: Moment) -> Option<Arc<Token>> {
        let token = self.state().token.clone()?;
        (token.age(now) != Age::Expired).then_some(token)
    }

    fn forget(&self, id: u64) {
        let mut state = self.state();
        if state.flight.as_ref().is_some_and(|f| f.id == id) {
            state.flight = None;
        }
    }

    /// A flight has ended: its result goes into the cache unless the cache was cleared meanwhile.
    fn land(&self, core: &Core, id: u64, epoch: u64, outcome: &Outcome) {
        let mut state = self.state();
        if state.flight.as_ref().is_some_and(|f| f.id == id) {
            state.flight = None;
        }
        if state.epoch != epoch {
            return;
        }
        match outcome {
            Ok(token) => {
                state.token = Some(token.clone());
                state.failures = 0;
                state.pause_until = Duration::ZERO;
                state.shared = None;
                // The host is told when no lock is held.
                drop(state);
                event!(
                    DEBUG,
                    Some(core.id),
                    "an access token was fetched",
                    life_s = token.life.as_secs(),
                    scope = token.scope.as_str(),
                );
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let pause = policy::renewal_pause(state.failures, core.clock.random())
                    .max(error.retry_after().unwrap_or_default());
                let now = core.clock.monotonic();
                state.pause_until = now.saturating_add(pause);
                let until = now.saturating_add(policy::FAILURE_SHARED);
                state.shared = Some((error.clone(), until, Effort::of(core)));
                let (serves, failures) = (state.token.is_some(), state.failures);
                drop(state);
                if serves {
                    event!(
                        WARN,
                        Some(core.id),
                        "the access token could not be renewed; the present one still serves",
                        code = error.code(),
                        failures = failures,
                        pause_ms = milliseconds(pause),
                    );
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Boarding {
    Served(Arc<Token>),
    /// With the time after which the present token serves.
    Flight(Seat, Option<Duration>),
}

impl State {
    fn pauses(&self, now: Moment) -> bool {
        now.monotonic < self.pause_until
    }

    /// Starts a renewal that nobody waits for; when it cannot start, the token still serves.
    fn renew(&mut self, core: &Arc<Core>, now: Moment) {
        if !self.pauses(now) {
            let _ = self.join_or_start(core);
        }
    }

    /// A place on the flight that there is, or on a new one.
    fn join_or_start(&mut self, core: &Arc<Core>) -> Result<Seat, Error> {
        let here = Handle::try_current().ok();
        let now = core.clock.monotonic();
        let here_id = here.as_ref().map(Handle::id);
        let flight = self.flight.as_ref();
        if let Some(seat) = flight.and_then(|flight| flight.seat(here_id, now)) {
            return Ok(seat);
        }
        let runtime = here
            .or_else(|| self.home.clone())
            .ok_or_else(Error::outside_of_a_runtime)?;
        self.home = Some(runtime.clone());
        self.flights += 1;
        let (id, epoch, core) = (self.flights, self.epoch, core.clone());
        let (arrival, landing) = watch::channel(None);
        let effort = Effort::of(&core);
        self.flight = Some(Flight {
            id,
            landing: landing.clone(),
            took_off: now,
            runtime: runtime.id(),
            effort,
        });
        runtime.spawn(async move {
            let outcome = AssertUnwindSafe(fetch(core.clone()))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(Error::decoding("the token request failed inside the SDK")))
                .map(Arc::new);
            if outcome.as_ref().is_err_and(Error::is_connection) && runtime_is_ending().await {
                // Lost, as if the task had been dropped: whoever waits elsewhere asks anew.
                return;
            }
            core.tokens.land(&core, id, epoch, &outcome);
            let _ = arrival.send(Some(outcome));
        });
        Ok(Seat {
            id,
            landing,
            took_off: now,
            effort,
            reliable_for: None,
        })
    }
}

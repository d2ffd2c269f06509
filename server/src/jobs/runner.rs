//! The tasks that look, take turns and run.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{CLOCKS_APART_MAX, Job, JobError, LEASE, LOOK_EVERY, RENEW_EVERY};
use crate::{
    clock::{Clock, Timestamp},
    metrics::Metrics,
    storage::{JobRecord, Storage, StorageError, StorageResult, TakeTurn, Turn},
    telemetry,
};

/// What running jobs takes.
#[derive(Clone)]
pub struct Parts {
    /// Where turns are kept.
    pub storage: Arc<dyn Storage>,
    /// When jobs are due, and when leases end.
    pub clock: Arc<dyn Clock>,
    /// Where runs are counted.
    pub metrics: Arc<Metrics>,
    /// This instance's name among the others: random, new at each start.
    pub instance: Uuid,
}

/// The jobs of this instance.
pub struct Jobs {
    tasks: Mutex<Vec<(Arc<Seat>, JoinHandle<()>)>>,
}

impl Jobs {
    /// Begins to look after these jobs.
    pub fn start(parts: &Parts, jobs: Vec<Arc<dyn Job>>) -> Self {
        let tasks = jobs.into_iter().map(|job| {
            let seat = Arc::new(Seat::new(parts.clone(), job));
            let task = tokio::spawn(Arc::clone(&seat).look_after());
            (seat, task)
        });
        Self {
            tasks: Mutex::new(tasks.collect()),
        }
    }

    /// Stops every job where it is; others may go on with it at once.
    pub async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for (seat, task) in tasks {
            task.abort();
            // Aborted is what was asked for.
            let _ = task.await;
            seat.give_up().await;
        }
    }
}

/// What a running job says of itself.
pub struct Progress {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    turn: Turn,
    note: Option<Vec<u8>>,
}

impl Progress {
    /// What the run before kept, or what this one has to go on from.
    pub fn note(&self) -> Option<&[u8]> {
        self.note.as_deref()
    }

    /// Keeps how far the job came, for whoever has to go on.
    ///
    /// # Errors
    /// `Conflict` when the turn is over: then the job must end.
    pub async fn keep(&self, note: Vec<u8>) -> StorageResult<()> {
        let until = self.clock.now().plus(LEASE);
        let jobs = self.storage.jobs();
        jobs.keep(&self.turn, until, Some(note)).await
    }

    async fn renew_for_ever(&self) -> StorageError {
        let mut ticks = interval(RENEW_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let until = self.clock.now().plus(LEASE);
            match self.storage.jobs().keep(&self.turn, until, None).await {
                // An outage is no loss yet: the lease may outlast it.
                Ok(()) | Err(StorageError::Unavailable(_)) => {}
                Err(error) => return error,
            }
        }
    }
}

/// A job, and this instance's turn at it.
pub(super) struct Seat {
    parts: Parts,
    job: Arc<dyn Job>,
    turn: Mutex<Option<Turn>>,
    /// The note that was heard last.
    heard: Mutex<Option<Vec<u8>>>,
}

impl Seat {
    pub(super) fn new(parts: Parts, job: Arc<dyn Job>) -> Self {
        Self {
            parts,
            job,
            turn: Mutex::new(None),
            heard: Mutex::new(None),
        }
    }

    async fn look_after(self: Arc<Self>) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let outcome = self.look().await;
            if let Err(error) = &outcome
                && !failing
            {
                tracing::warn!(job = self.job.name(), %error, "a job did not run; it is tried again");
            }
            failing = outcome.is_err();
        }
    }

    /// Looks once: hears what there is to hear, and runs the job when it is due and nobody has the turn.
    pub(super) async fn look(&self) -> Result<(), JobError> {
        let known = self.parts.storage.jobs().get(self.job.name()).await?;
        self.hear(known.as_ref().and_then(|known| known.note.as_ref()));
        let now = self.parts.clock.now();
        if !is_free(known.as_ref(), now) || !is_due(known.as_ref(), self.job.interval(), now) {
            return Ok(());
        }
        let take = TakeTurn {
            job: self.job.name(),
            holder: self.parts.instance,
            known_fence: known.as_ref().map_or(0, |known| known.fence),
            now,
            lease_until: now.plus(LEASE),
            lease_max: lease_max(now),
        };
        match self.parts.storage.jobs().take(take).await {
            Ok(turn) => {
                let span = telemetry::job(self.job.name());
                let run = self.run(turn, known.and_then(|known| known.note));
                let outcome = run.instrument(span.clone()).await;
                if outcome.is_err() {
                    telemetry::failed(&span);
                }
                outcome
            }
            // Another instance was first.
            Err(StorageError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A run that fails keeps its lease: until it ends nobody tries, then anybody may.
    async fn run(&self, turn: Turn, note: Option<Vec<u8>>) -> Result<(), JobError> {
        *self.turn.lock() = Some(turn.clone());
        let progress = Progress {
            storage: Arc::clone(&self.parts.storage),
            clock: Arc::clone(&self.parts.clock),
            turn,
            note,
        };
        let outcome = tokio::select! {
            outcome = self.job.run(&progress) => outcome,
            lost = progress.renew_for_ever() => Err(lost.into()),
        };
        let now = self.parts.clock.now();
        let outcome = match outcome {
            Ok(note) => {
                let jobs = self.parts.storage.jobs();
                let done = jobs.finish(&progress.turn, Some(now), note.clone()).await;
                if done.is_ok() {
                    self.hear(note.as_ref());
                }
                done.map_err(JobError::from)
            }
            Err(error) => Err(error),
        };
        *self.turn.lock() = None;
        self.parts
            .metrics
            .job_ran(self.job.name(), outcome.is_ok(), now.seconds());
        outcome
    }

    fn hear(&self, note: Option<&Vec<u8>>) {
        let Some(note) = note else {
            return;
        };
        let mut heard = self.heard.lock();
        if heard.as_ref() != Some(note) {
            self.job.learn(note);
            *heard = Some(note.clone());
        }
    }

    async fn give_up(&self) {
        let turn = self.turn.lock().take();
        if let Some(turn) = turn
            && let Err(error) = self.parts.storage.jobs().finish(&turn, None, None).await
        {
            tracing::warn!(job = turn.job, %error, "a job's turn was not given back; it ends by itself");
        }
    }
}

fn is_free(known: Option<&JobRecord>, now: Timestamp) -> bool {
    known.is_none_or(|known| {
        let holds = |until: Timestamp| now < until && until <= lease_max(now);
        known.holder.is_none() || !known.lease_until.is_some_and(holds)
    })
}

fn lease_max(now: Timestamp) -> Timestamp {
    now.plus(LEASE + CLOCKS_APART_MAX)
}

/// A run that lies further ahead than the next one would be was noted by a clock that has been put back since.
fn is_due(known: Option<&JobRecord>, interval: Duration, now: Timestamp) -> bool {
    match known.and_then(|known| known.ran_at) {
        None => true,
        Some(ran_at) => ran_at.plus(interval) <= now || ran_at > now.plus(interval),
    }
}

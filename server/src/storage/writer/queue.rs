//! The one writer: takes what callers want written, and commits many of them at once.
//!
//! A transaction takes what is queued. Each change in it has a savepoint, so that one refused change leaves the others
//! alone; events follow at the end; then one commit, then the observer, then the answers. Whoever was answered `Ok` is on
//! the disk. When more than one caller waits, the writer lingers a moment for those who are about to come: a commit
//! costs a flush of the disk, whatever it holds.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

use super::{
    ObserverSlot, UnitOfWork,
    command::{Answering, Command, Job},
};
use crate::{
    audit::SealedEvent,
    storage::{ChangeObserver, StorageError, StorageResult, idempotency::noting},
};

/// How much may wait. More makes callers wait before they are queued.
const QUEUE_MAX: usize = 4096;
/// How much one transaction takes.
const BATCH_MAX: usize = 512;
/// How long a busy writer waits for more.
const LINGER: Duration = Duration::from_micros(1500);

/// What callers queue.
enum Work<U> {
    /// Something to write.
    Write(Entry<U>),
    /// Write what came before, then stop.
    Close(oneshot::Sender<()>),
}

/// Something to write.
enum Entry<U> {
    /// An event that stands alone; the answer is left out when nobody waits for it.
    Event(Arc<SealedEvent>, Option<oneshot::Sender<StorageResult<()>>>),
    /// A change with rules of its own.
    Change(Box<dyn Job<U>>),
}

/// A handle on the writer. Cheap to clone.
pub(in crate::storage) struct Writer<U> {
    queue: mpsc::Sender<Work<U>>,
    observer: ObserverSlot,
}

impl<U> Clone for Writer<U> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            observer: self.observer.clone(),
        }
    }
}

impl<U: UnitOfWork> Writer<U> {
    /// Starts the writer as a task of the current runtime.
    pub fn start(observer: ObserverSlot, unit: U) -> Self {
        let (queue, work) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(unit, work));
        Self { queue, observer }
    }

    /// Who is told of committed changes.
    pub fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.observer.set(observer);
    }

    /// Runs a command in a transaction and returns its outcome once that is committed.
    pub async fn change<C: Command<U>>(&self, command: C) -> StorageResult<C::Output> {
        let (answer, answered) = oneshot::channel();
        let job = Answering::new(command, noting(), answer);
        self.send(Entry::Change(Box::new(job))).await?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Appends an event and returns once it is committed.
    pub async fn append(&self, event: SealedEvent) -> StorageResult<()> {
        let (answer, answered) = oneshot::channel();
        self.send(Entry::Event(Arc::new(event), Some(answer)))
            .await?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Queues an event.
    pub async fn append_later(&self, event: SealedEvent) -> StorageResult<()> {
        self.send(Entry::Event(Arc::new(event), None)).await
    }

    /// Writes what is queued, then stops. Later calls are unavailable.
    pub async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        if self.queue.send(Work::Close(answer)).await.is_ok() {
            // An error means that the writer is gone already, which is what was asked for.
            let _ = answered.await;
        }
    }

    async fn send(&self, entry: Entry<U>) -> StorageResult<()> {
        self.queue
            .send(Work::Write(entry))
            .await
            .map_err(|_| closed())
    }
}

fn closed() -> StorageError {
    StorageError::Unavailable("the storage is closed".to_owned())
}

async fn run<U: UnitOfWork>(mut unit: U, mut work: mpsc::Receiver<Work<U>>) {
    let mut received = Vec::with_capacity(BATCH_MAX);
    let mut closing = Vec::new();
    let mut size_before = 0;
    while work.recv_many(&mut received, BATCH_MAX).await > 0 {
        linger(&mut work, &mut received, size_before).await;
        size_before = received.len();
        let mut entries = Vec::with_capacity(size_before);
        for item in received.drain(..) {
            match item {
                Work::Write(entry) => entries.push(entry),
                Work::Close(answer) => {
                    // What is queued is still received; nothing more gets in.
                    work.close();
                    closing.push(answer);
                }
            }
        }
        write(&mut unit, entries).await;
    }
    unit.close().await;
    for answer in closing {
        // Who asked may have gone; there is nobody else to tell.
        let _ = answer.send(());
    }
}

/// Waits, when it was busy the last time, for as many as came then. One caller alone never waits.
async fn linger<U>(
    work: &mut mpsc::Receiver<Work<U>>,
    received: &mut Vec<Work<U>>,
    expected: usize,
) {
    let deadline = Instant::now() + LINGER;
    while received.len() < expected.min(BATCH_MAX) {
        let room = BATCH_MAX - received.len();
        match timeout_at(deadline, work.recv_many(received, room)).await {
            Ok(more) if more > 0 => {}
            _ => return,
        }
    }
}

/// Writes all in one transaction. When the transaction as a whole breaks on a constraint, each is tried alone, so that
/// what broke it fails alone.
async fn write<U: UnitOfWork>(unit: &mut U, mut entries: Vec<Entry<U>>) {
    if entries.is_empty() {
        return;
    }
    match attempt(unit, &mut entries).await {
        Err(StorageError::Corrupt(_)) if entries.len() > 1 => {
            for entry in entries {
                let mut alone = vec![entry];
                let outcome = attempt(unit, &mut alone).await;
                answer(alone, &outcome);
            }
        }
        outcome => answer(entries, &outcome),
    }
}

async fn attempt<U: UnitOfWork>(unit: &mut U, entries: &mut [Entry<U>]) -> StorageResult<()> {
    let outcome = match unit.time_max() {
        None => fill_and_finish(unit, entries).await,
        Some(time_max) => timeout(time_max, fill_and_finish(unit, entries))
            .await
            .unwrap_or_else(|_| {
                Err(StorageError::Unavailable(
                    "the database does not answer".to_owned(),
                ))
            }),
    };
    match outcome {
        Ok(()) => {
            unit.staged().committed();
            Ok(())
        }
        Err(error) => {
            unit.staged().forget();
            unit.abandon().await;
            Err(error)
        }
    }
}

async fn fill_and_finish<U: UnitOfWork>(
    unit: &mut U,
    entries: &mut [Entry<U>],
) -> StorageResult<()> {
    fill(unit, entries).await?;
    unit.finish().await
}

async fn fill<U: UnitOfWork>(unit: &mut U, entries: &mut [Entry<U>]) -> StorageResult<()> {
    unit.staged().forget();
    let holds_changes = entries.iter().any(|e| matches!(e, Entry::Change(_)));
    unit.begin(holds_changes).await?;
    for entry in entries {
        match entry {
            Entry::Event(event, _) => unit.staged().add(Arc::clone(event)),
            Entry::Change(job) => job.run(unit).await?,
        }
    }
    Ok(())
}

/// Tells each caller; a change that was refused in a committed transaction has its own outcome.
fn answer<U: UnitOfWork>(entries: Vec<Entry<U>>, outcome: &StorageResult<()>) {
    for entry in entries {
        match entry {
            Entry::Event(_, Some(waiting)) => {
                // Who waited may have gone: the event is written all the same.
                let _ = waiting.send(outcome.clone());
            }
            Entry::Event(_, None) => {
                if let Err(error) = outcome {
                    tracing::error!(%error, "an audit event that nobody waited for was not written");
                }
            }
            Entry::Change(job) => job.answer(outcome),
        }
    }
}

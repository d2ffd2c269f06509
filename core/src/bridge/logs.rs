//! Log records for hosts that have no `tracing`: a bounded queue that the host drains.
//!
//! Owns: the wanted level, the queue, waking the host. Refuses: making a record that nobody wants -
//! until a host asks, an event costs one atomic load -, calling into the host with a lock held.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};

use super::generation::{PerProcess, watch_forks};

/// Records that wait for the host; older ones are dropped, and a record says how many.
pub const RECORDS_MAX: usize = 10_000;

/// How important a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something of the SDK's own is broken.
    Error = 1,
    /// Works, but somebody should look.
    Warn,
    /// What an operator may want to know.
    Info,
    /// What a developer may want to know.
    Debug,
    /// Every request.
    Trace,
}

impl Level {
    fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }

    /// `warn`: the level's name in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// [`BridgeClient::id`](super::BridgeClient::id), where a client is concerned.
    pub client: Option<u64>,
    /// How important it is.
    pub level: Level,
    /// What happened, in words that do not change from one record to the next.
    pub message: String,
    /// The rest: names in snake case, no secrets.
    pub fields: Map<String, Value>,
    /// Wall clock, milliseconds since 1970 UTC.
    pub time_ms: u64,
}

/// The largest [`Level`] that is wanted; 0: none.
static WANTED: AtomicU8 = AtomicU8::new(0);
static HOST: PerProcess<Host> = PerProcess::new();

type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Host {
    queue: Mutex<Queue>,
    wake: Mutex<Option<Wake>>,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Record>,
    dropped: u64,
}

/// Which records are made, in the whole process: those up to that level. `None`, the default: none.
pub fn want(level: Option<Level>) {
    watch_forks();
    WANTED.store(level.map_or(0, |l| l as u8), Ordering::Relaxed);
}

/// Who is told when the queue turns from empty to not empty. Called on any thread; must not block.
/// A forked child begins with an empty queue and nobody to tell.
pub fn on_record(wake: Option<Box<dyn Fn() + Send + Sync>>) {
    watch_forks();
    let host = host();
    let old = std::mem::replace(&mut *lock(&host.wake), wake.map(Wake::from));
    // Dropped here, where no lock is held.
    drop(old);
}

/// Takes out at most that many records, oldest first. Never blocks.
#[must_use]
pub fn drain(max: usize) -> Vec<Record> {
    let mut queue = lock(&host().queue);
    let mut taken = Vec::new();
    if queue.dropped > 0 && max > 0 {
        let fields = vec![("dropped", Value::from(queue.dropped))];
        queue.dropped = 0;
        let message = "log records were dropped: the host did not take them in time";
        taken.push(record(None, Level::Warn, message, fields));
    }
    let count = queue.records.len().min(max.saturating_sub(taken.len()));
    taken.extend(queue.records.drain(..count));
    taken
}

/// Somebody wants records of that level.
pub(crate) fn wanted(level: tracing::Level) -> bool {
    Level::of(level) as u8 <= WANTED.load(Ordering::Relaxed)
}

/// Queues a record.
pub(crate) fn push(
    client: Option<u64>,
    level: tracing::Level,
    message: &str,
    fields: Vec<(&'static str, Value)>,
) {
    let record = record(client, Level::of(level), message, fields);
    let host = host();
    let mut queue = lock(&host.queue);
    let first = queue.records.is_empty();
    if queue.records.len() >= RECORDS_MAX {
        queue.records.pop_front();
        queue.dropped += 1;
    }
    queue.records.push_back(record);
    drop(queue);
    if first {
        let wake = lock(&host.wake).clone();
        // A wake-up that panics is the host's fault; the call that logged must not suffer.
        let _ = wake.map(|wake| catch_unwind(AssertUnwindSafe(|| wake())));
    }
}

fn record(
    client: Option<u64>,
    level: Level,
    message: &str,
    fields: Vec<(&'static str, Value)>,
) -> Record {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Record {
        client,
        level,
        message: message.to_owned(),
        fields: fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        time_ms: crate::log::milliseconds(now.unwrap_or_default()),
    }
}

fn host() -> &'static Host {
    HOST.get_or_init(Host::default)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

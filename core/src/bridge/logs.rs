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

use crate::process::{PerProcess, watch_forks};

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
    host().drain(max)
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
    host().push(record(client, Level::of(level), message, fields));
}

impl Host {
    fn push(&self, record: Record) {
        let mut queue = lock(&self.queue);
        let first = queue.records.is_empty();
        if queue.records.len() >= RECORDS_MAX {
            queue.records.pop_front();
            queue.dropped += 1;
        }
        queue.records.push_back(record);
        drop(queue);
        if first {
            let wake = lock(&self.wake).clone();
            // A wake-up that panics is the host's fault; the call that logged must not suffer.
            let _ = wake.map(|wake| catch_unwind(AssertUnwindSafe(|| wake())));
        }
    }

    fn drain(&self, max: usize) -> Vec<Record> {
        let mut queue = lock(&self.queue);
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn numbered(number: usize) -> Record {
        record(
            Some(1),
            Level::Debug,
            "counted",
            vec![("number", number.into())],
        )
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        let host = Host::default();
        for number in 0..RECORDS_MAX + 5 {
            host.push(numbered(number));
        }
        let taken = host.drain(3);
        assert_eq!(
            (taken[0].level, &taken[0].fields["dropped"]),
            (Level::Warn, &5.into())
        );
        assert_eq!(taken[1].fields["number"], 5);
        assert_eq!(taken.len(), 3);
        assert_eq!(host.drain(usize::MAX).len(), RECORDS_MAX - 2);
        assert!(host.drain(usize::MAX).is_empty());
    }

    #[test]
    fn the_host_is_woken_when_the_queue_fills_and_may_drain_at_once() {
        let host = Arc::new(Host::default());
        let seen = Arc::new(AtomicUsize::new(0));
        let (inside, counter) = (Arc::downgrade(&host), seen.clone());
        *lock(&host.wake) = Some(Arc::new(move || {
            let taken = inside.upgrade().map_or(0, |host| host.drain(1).len());
            counter.fetch_add(taken, Ordering::Relaxed);
        }));
        (0..3).for_each(|n| host.push(numbered(n)));
        assert_eq!(seen.load(Ordering::Relaxed), 3);
        *lock(&host.wake) = Some(Arc::new(|| panic!("the host's own fault")));
        host.push(numbered(4));
        assert_eq!(host.drain(9).len(), 1);
    }

    #[test]
    fn nothing_is_wanted_until_somebody_asks() {
        // Other tests may ask at the same time: only the order of levels is certain.
        assert!(Level::Error < Level::Trace);
        want(Some(Level::Warn));
        assert!(wanted(tracing::Level::ERROR) && wanted(tracing::Level::WARN));
        assert!(!wanted(tracing::Level::INFO));
        want(None);
        assert!(!wanted(tracing::Level::ERROR));
    }
}

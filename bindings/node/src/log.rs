//! Log records, from the core's one queue to the environments whose clients they speak of.
//!
//! Owns: which environment hears which client, and the level that the process wants for that.
//! Refuses: to keep an environment alive (its bell is never held), and to hand records over on
//! another thread than the environment's own.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use napi::{Env, bindgen_prelude::Function};
use napi_derive::napi;
use sentryagent_idp::bridge::logs::{self, Level, Record};
use serde_json::json;

use crate::{bell::Bell, text::Text};

/// Records that wait in one environment, at most; older ones go first.
const QUEUED_MAX: usize = 10_000;
/// Records taken from the core at a time.
const PUMPED_MAX: usize = 1_000;

static HUB: Mutex<Option<Hub>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(0);

/// All environments that listen.
#[derive(Default)]
struct Hub {
    sinks: HashMap<u64, Sink>,
}

struct Sink {
    bell: Arc<Bell>,
    /// By the client's number: the finest level that it wants.
    clients: HashMap<u64, Level>,
    queue: VecDeque<Record>,
}

/// One environment's ear.
#[napi]
pub struct Log {
    number: u64,
}

#[napi]
impl Log {
    /// `wake` is called on the environment's own thread when records wait; it should drain.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, wake: Function<'_, (), ()>) -> napi::Result<Self> {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| logs::on_record(Some(Box::new(ring_all))));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let sink = Sink {
            bell: Arc::new(Bell::new(&wake)?),
            clients: HashMap::new(),
            queue: VecDeque::new(),
        };
        lock().get_or_insert_default().sinks.insert(number, sink);
        env.add_env_cleanup_hook(number, |number| {
            let sink = lock().as_mut().and_then(|hub| hub.sinks.remove(&number));
            if let Some(sink) = sink {
                sink.bell.silence();
            }
            want();
        })?;
        Ok(Self { number })
    }

    /// From now on this environment hears what is said of the client, 1 (error) to 5 (trace).
    #[napi(catch_unwind)]
    pub fn listen(&self, client: i64, level: u8) {
        self.with(|sink| {
            sink.clients.insert(client.unsigned_abs(), finest(level));
        });
        want();
    }

    /// And now no longer.
    #[napi(catch_unwind)]
    pub fn forget(&self, client: i64) {
        self.with(|sink| {
            sink.clients.remove(&client.unsigned_abs());
        });
        want();
    }

    /// JSON: `[[client or null, level, message, fields]…]`.
    #[napi(catch_unwind)]
    pub fn drain(&self, max: u32) -> Text {
        pump(self.number);
        let mut records = Vec::new();
        self.with(|sink| {
            let count = sink.queue.len().min(max as usize);
            records.extend(sink.queue.drain(..count));
        });
        let records: Vec<_> = records
            .iter()
            .map(|r| json!([r.client, r.level as u8, r.message, r.fields]))
            .collect();
        Text(json!(records).to_string())
    }

    fn with(&self, work: impl FnOnce(&mut Sink)) {
        if let Some(sink) = lock()
            .as_mut()
            .and_then(|hub| hub.sinks.get_mut(&self.number))
        {
            work(sink);
        }
    }
}

/// Called by the core on any thread, with no lock of its own held.
fn ring_all() {
    if let Some(hub) = lock().as_ref() {
        hub.sinks.values().for_each(|sink| sink.bell.ring());
    }
}

/// Sorts what the core has by environment, and wakes those that got something, but for the one that
/// is at it.
fn pump(own: u64) {
    let mut hub = lock();
    let Some(hub) = hub.as_mut() else { return };
    loop {
        let records = logs::drain(PUMPED_MAX);
        if records.is_empty() {
            return;
        }
        for record in records {
            hub.sort(&record, own);
        }
    }
}

impl Hub {
    fn sort(&mut self, record: &Record, own: u64) {
        for (&number, sink) in &mut self.sinks {
            let wanted = match record.client {
                Some(client) => sink.clients.get(&client).copied(),
                None => sink.clients.values().max().copied(),
            };
            if wanted.is_none_or(|wanted| record.level > wanted) {
                continue;
            }
            if sink.queue.is_empty() && number != own {
                sink.bell.ring();
            } else if sink.queue.len() >= QUEUED_MAX {
                sink.queue.pop_front();
            }
            sink.queue.push_back(record.clone());
        }
    }
}

/// Tells the core the finest level that anybody wants.
fn want() {
    let hub = lock();
    let wanted = hub.as_ref().and_then(|hub| {
        let levels = hub.sinks.values().flat_map(|sink| sink.clients.values());
        levels.max().copied()
    });
    // With the lock held: of two that come at once, the later must win.
    logs::want(wanted);
}

fn finest(level: u8) -> Level {
    match level {
        0 | 1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        _ => Level::Trace,
    }
}

fn lock() -> MutexGuard<'static, Option<Hub>> {
    HUB.lock().unwrap_or_else(PoisonError::into_inner)
}

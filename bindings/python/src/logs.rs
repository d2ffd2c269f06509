//! The core's log records, handed to `logging`: no thread of its own.
//!
//! Records are made only up to the level that the program's logger wants, asked before each call.
//! They are delivered on threads of Python's: whenever the package is used - at the end of a call,
//! when a token is read -, when an event loop is woken for them, and at exit. What a renewal in the
//! background logs wakes an event loop, if there is one; without any it comes with the next use.

use std::{
    cell::Cell,
    sync::{
        Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use pyo3::{intern, prelude::*, sync::PyOnceLock};
use sentryagent_idp::bridge::logs::{self, Level, Record};

use crate::{json, process, wake::Signal};

/// How many records are taken out of the core's queue at a time.
const BATCH_MAX: usize = 256;
/// `_target()` was never called in this process.
const NEVER: u64 = u64::MAX;

/// Records wait.
static PENDING: AtomicBool = AtomicBool::new(false);
/// The fork generation in which the core was told whom to wake.
static WATCHED: AtomicU64 = AtomicU64::new(NEVER);
/// Event loops that can be woken. Locked with the GIL held only, as Python forks with it held.
static LOOPS: Mutex<Vec<Weak<Signal>>> = Mutex::new(Vec::new());

thread_local! {
    static DELIVERING: Cell<bool> = const { Cell::new(false) };
}

/// The functions of `sentryagent_idp._logging`.
struct Target {
    level: Py<PyAny>,
    emit: Py<PyAny>,
}

/// Takes over the level of the program's logger. Costs nothing where `logging` is not imported.
pub fn refresh(py: Python<'_>) -> PyResult<()> {
    let Some(target) = target(py)? else {
        return Ok(());
    };
    let level: i64 = target.level.call0(py)?.extract(py)?;
    logs::want(match level {
        ..=5 => Some(Level::Trace),
        6..=10 => Some(Level::Debug),
        11..=20 => Some(Level::Info),
        21..=30 => Some(Level::Warn),
        31..=40 => Some(Level::Error),
        _ => None,
    });
    if WATCHED.swap(process::generation(), Ordering::Relaxed) != process::generation() {
        watch(None);
    }
    Ok(())
}

/// From now on records wake that event loop too.
pub fn watch(signal: Option<Weak<Signal>>) {
    let mut loops = LOOPS.lock().unwrap_or_else(PoisonError::into_inner);
    loops.retain(|known| known.strong_count() > 0);
    loops.extend(signal);
    let (known, generation) = (loops.clone(), process::generation());
    drop(loops);
    logs::on_record(Some(Box::new(move || {
        PENDING.store(true, Ordering::Release);
        // After a fork these descriptors are the parent's.
        if process::generation() == generation {
            known
                .iter()
                .filter_map(Weak::upgrade)
                .for_each(|s| s.notify());
        }
    })));
}

/// Hands the records that wait to `logging`. Costs one atomic read when there are none.
pub fn deliver(py: Python<'_>) {
    if !PENDING.load(Ordering::Acquire) || DELIVERING.replace(true) {
        return; // a handler that makes a call of its own is not handed records meanwhile
    }
    PENDING.store(false, Ordering::Release);
    if let Err(error) = deliver_all(py) {
        error.write_unraisable(py, None);
    }
    DELIVERING.set(false);
}

/// The last records, then no more.
pub fn end(py: Python<'_>) {
    logs::want(None);
    deliver(py);
    logs::on_record(None);
}

fn deliver_all(py: Python<'_>) -> PyResult<()> {
    let Some(target) = target(py)? else {
        return Ok(());
    };
    loop {
        let records = logs::drain(BATCH_MAX);
        if records.is_empty() {
            return Ok(());
        }
        for record in records {
            emit(py, target, record)?;
        }
    }
}

fn emit(py: Python<'_>, target: &Target, record: Record) -> PyResult<()> {
    let level = match record.level {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
        Level::Trace => 5,
    };
    let fields = json::to_py(py, &serde_json::Value::Object(record.fields))?;
    #[allow(clippy::cast_precision_loss)] // milliseconds since 1970 fit in a float's 53 bits
    let seconds = record.time_ms as f64 / 1000.0;
    let arguments = (level, record.message, fields, record.client, seconds);
    target.emit.call1(py, arguments).map(drop)
}

fn target(py: Python<'_>) -> PyResult<Option<&Target>> {
    static TARGET: PyOnceLock<Target> = PyOnceLock::new();
    if let Some(target) = TARGET.get(py) {
        return Ok(Some(target));
    }
    // A program that never imported `logging` reads no records.
    if !process::modules(py)?.contains(intern!(py, "logging"))? {
        return Ok(None);
    }
    let made = TARGET.get_or_try_init(py, || {
        let module = py.import(intern!(py, "sentryagent_idp._logging"))?;
        PyResult::Ok(Target {
            level: module.getattr(intern!(py, "level"))?.unbind(),
            emit: module.getattr(intern!(py, "emit"))?.unbind(),
        })
    })?;
    Ok(Some(made))
}

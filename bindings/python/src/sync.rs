//! Blocking calls: the thread waits on a channel of its own with the GIL released.
//!
//! Only the main thread runs Python's signal handlers, so only it wakes up between answers to
//! look for Ctrl-C; the call is then aborted on the wire and the handler's exception raised.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pyo3::{intern, prelude::*};
use sentryagent_idp::bridge::{Channel, Completion, Decode};

use crate::{logs, process};

/// How long the main thread waits before it looks for signals.
const SLICE_MAIN: Duration = Duration::from_millis(20);
/// How long another thread waits before it goes on waiting.
const SLICE_OTHER: Duration = Duration::from_secs(60);
/// One call is out per channel; what else may lie there are aborted calls' late answers.
const DRAIN_ITEMS_MAX: usize = 16;

thread_local! {
    static OWN: RefCell<Option<Arc<Channel>>> = const { RefCell::new(None) };
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Starts a call and waits for its completion.
pub fn run(py: Python<'_>, start: impl FnOnce(&Arc<Channel>, u64)) -> PyResult<Completion> {
    process::require_running()?;
    logs::refresh(py)?;
    let outcome = wait(py, start);
    logs::deliver(py);
    outcome
}

fn wait(py: Python<'_>, start: impl FnOnce(&Arc<Channel>, u64)) -> PyResult<Completion> {
    let lease = Lease::take();
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    start(&lease.channel, id);
    let mut slice = SLICE_MAIN;
    loop {
        let channel = &lease.channel;
        if py.detach(|| channel.wait(slice)) {
            let done = channel.drain(DRAIN_ITEMS_MAX, usize::MAX);
            if let Some(completion) = done.into_iter().find(|c| c.id == id) {
                return Ok(completion);
            }
            continue;
        }
        // Either of the two may run a signal handler, and its exception ends the call.
        match on_main_thread(py).and_then(|main| py.check_signals().map(|()| main)) {
            Ok(true) => {}
            Ok(false) => slice = SLICE_OTHER,
            Err(interrupt) => {
                channel.cancel(id);
                return Err(interrupt);
            }
        }
    }
}

fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import(intern!(py, "threading"))?;
    let main = threading.call_method0(intern!(py, "main_thread"))?;
    let current = threading.call_method0(intern!(py, "current_thread"))?;
    Ok(main.is(&current))
}

/// The thread's channel while a call uses it. A signal handler that makes a call of its own in
/// between finds none and gets another.
struct Lease {
    channel: Arc<Channel>,
}

impl Lease {
    fn take() -> Self {
        let own = OWN.with_borrow_mut(Option::take);
        Self {
            channel: own.unwrap_or_else(|| Channel::new(Decode::Typed, || {})),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let channel = Arc::clone(&self.channel);
        // At the end of a thread the slot may be gone already; then the channel goes too.
        let _ = OWN.try_with(|own| own.replace(Some(channel)));
    }
}

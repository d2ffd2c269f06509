//! Calls from an event loop: one bridge per loop, stored as the loop's attribute.
//!
//! A started call is a future here and an id in the core. The core queues what is done and
//! signals once per batch; the loop then drains the queue and completes the futures on its own
//! thread. A cancelled call's id is forgotten first and aborted then, so a late answer finds
//! nobody. Threads of the core never touch Python.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyOSError, PyRuntimeError},
    intern,
    prelude::*,
    types::PyTuple,
};
use sentryagent_idp::bridge::{Channel, Completion, Decode};

use crate::{
    call::{Call, Wanted, outcome},
    client::NativeClient,
    hidden::Hidden,
    logs,
    options::CallOptions,
    process,
    verifier::{self, NativeVerifier},
    wake::Signal,
};

/// Completions handled before the loop gets a turn for something else.
const BATCH_ITEMS_MAX: usize = 128;
/// Bytes of answers handled before the loop gets a turn for something else.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A call that is out.
struct Waiting {
    future: Py<PyAny>,
    wanted: Wanted,
    on_response: Option<Py<PyAny>>,
}

impl Waiting {
    fn plain(future: Py<PyAny>, wanted: Wanted) -> Self {
        Self {
            future,
            wanted,
            on_response: None,
        }
    }
}

/// The bridge of one event loop. Not part of the public surface. With it goes its channel, which
/// aborts what is out.
#[pyclass(frozen, weakref, module = "sentryagent_idp._native")]
pub struct LoopBridge {
    generation: u64,
    channel: Arc<Channel>,
    signal: Arc<Signal>,
    next_id: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

#[pymethods]
impl LoopBridge {
    #[new]
    fn new() -> PyResult<Self> {
        process::require_running()?;
        let signal = Arc::new(Signal::new().map_err(|e| PyOSError::new_err(e.to_string()))?);
        let wake = Arc::clone(&signal);
        logs::watch(Some(Arc::downgrade(&signal)));
        Ok(Self {
            generation: process::generation(),
            channel: Channel::new(Decode::Typed, move || wake.notify()),
            signal,
            next_id: AtomicU64::new(1),
            waiting: Mutex::default(),
        })
    }

    /// The descriptor that is readable while completions wait; negative where there is none.
    fn fileno(&self) -> i32 {
        self.signal.fd()
    }

    /// Starts an operation for a future and gives the call's id.
    #[pyo3(signature = (client, future, operation, path, query=None, body=None, options=None))]
    #[allow(clippy::too_many_arguments)] // a call's parts, as they come from Python
    fn start(
        &self,
        py: Python<'_>,
        client: &Bound<'_, NativeClient>,
        future: Py<PyAny>,
        operation: u32,
        path: &Bound<'_, PyTuple>,
        query: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, CallOptions>>,
    ) -> PyResult<u64> {
        self.require_usable(py)?;
        let call = Call {
            operation,
            path,
            query,
            body,
            options,
        };
        let arguments = call.envelope(py, client.get().traceparent())?;
        let id = self.register(Waiting {
            future,
            wanted: Wanted::Result(operation),
            on_response: call.on_response(py),
        });
        self.channel
            .start(client.get().inner(), id, operation, &arguments);
        Ok(id)
    }

    /// Asks for the access token for a future and gives the call's id.
    fn start_token(&self, client: &Bound<'_, NativeClient>, future: Py<PyAny>) -> PyResult<u64> {
        self.require_usable(client.py())?;
        let id = self.register(Waiting::plain(future, Wanted::Token));
        self.channel.start_token(client.get().inner(), id);
        Ok(id)
    }

    /// Checks a token for a future and gives the call's id.
    #[allow(clippy::needless_pass_by_value)] // what pyo3 extracts is owned
    fn start_verify(
        &self,
        verifier: &Bound<'_, NativeVerifier>,
        future: Py<PyAny>,
        token: &Bound<'_, Hidden>,
        scopes: Vec<String>,
    ) -> PyResult<u64> {
        self.require_usable(verifier.py())?;
        let token = verifier::text(token)?;
        let id = self.register(Waiting::plain(future, Wanted::Body));
        self.channel
            .start_verify(verifier.get().inner(), id, &token, &scopes);
        Ok(id)
    }

    /// Forgets the call and aborts it on the wire.
    fn cancel(&self, id: u64) {
        // Dropped after the lock is free: dropping a future may run Python code.
        let gone = self.table().remove(&id);
        if gone.is_some() {
            self.channel.cancel(id);
        }
    }

    /// Completes the futures of what is done. Called by the loop, on its thread.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        self.signal.clear();
        let mut fault = Ok(());
        for completion in self.channel.drain(BATCH_ITEMS_MAX, BATCH_BYTES_MAX) {
            let waiting = self.table().remove(&completion.id);
            if let Some(waiting) = waiting {
                // One future that cannot be completed must not leave the others waiting for ever.
                fault = fault.and(settle(py, completion, &waiting));
            }
        }
        // The core signals only when the queue was empty: what the batch left is ours to say.
        if self.channel.wait(Duration::ZERO) {
            self.signal.notify();
        }
        logs::deliver(py);
        fault
    }

    /// Waits, with the GIL released, until completions are there: for loops that cannot watch a
    /// descriptor.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        py.detach(|| self.channel.wait(limit))
    }

    /// How many calls are out.
    fn pending(&self) -> usize {
        self.table().len()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The collector runs with the GIL held, as everybody who takes the lock does, so it is
        // free; were it not, the values are reachable and need no visit.
        if let Ok(table) = self.waiting.try_lock() {
            for waiting in table.values() {
                visit.call(&waiting.future)?;
                visit.call(&waiting.on_response)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let gone = std::mem::take(&mut *self.table());
        drop(gone);
    }
}

impl LoopBridge {
    fn require_usable(&self, py: Python<'_>) -> PyResult<()> {
        process::require_running()?;
        if self.generation == process::generation() {
            return logs::refresh(py);
        }
        Err(PyRuntimeError::new_err(
            "this event loop was made before the process was forked and shares its descriptors \
             with the parent: make a new one in the child, for example with asyncio.run()",
        ))
    }

    fn register(&self, waiting: Waiting) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.table().insert(id, waiting);
        id
    }

    fn table(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settle(py: Python<'_>, completion: Completion, waiting: &Waiting) -> PyResult<()> {
    let future = waiting.future.bind(py);
    let done = || future.call_method0(intern!(py, "done"))?.is_truthy();
    if done()? {
        return Ok(());
    }
    let told = waiting.on_response.as_ref();
    let outcome = outcome(py, completion, &waiting.wanted, told);
    // Who was told of the answer may have cancelled the call.
    if done()? {
        return Ok(());
    }
    match outcome {
        Ok(value) => {
            // A future shows its result: a token must not.
            let value = match waiting.wanted {
                Wanted::Token => Hidden::wrap(py, value)?,
                Wanted::Result(_) | Wanted::Body => value,
            };
            future.call_method1(intern!(py, "set_result"), (value,))?
        }
        Err(error) if is_cancelled(py, &error)? => future.call_method0(intern!(py, "cancel"))?,
        Err(error) => fail(future, &error)?,
    };
    Ok(())
}

/// A future takes no `StopIteration`; what it says of one is then the call's error.
fn fail<'py>(future: &Bound<'py, PyAny>, error: &PyErr) -> PyResult<Bound<'py, PyAny>> {
    let py = future.py();
    let name = intern!(py, "set_exception");
    future
        .call_method1(name, (error.value(py),))
        .or_else(|refusal| future.call_method1(name, (refusal.value(py),)))
}

fn is_cancelled(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    let class = py
        .import(intern!(py, "asyncio"))?
        .getattr(intern!(py, "CancelledError"))?;
    Ok(error.is_instance(py, &class))
}

//! Calls go out by id, completions come back through a queue.
//!
//! Owns: the calls that are out, the queue, waking the host once per batch.
//! Refuses: waiting for the host; completing an id that was cancelled.

use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::json;
use tokio::task::AbortHandle;

use super::{BridgeClient, Operation, args, operations, rows, runtime};
use crate::{
    Error,
    call::{describe, engine::execute, headers},
    client::Core,
    log::event,
    process::{PerProcess, watch_forks},
    token::Moment,
};

/// What is done with an answer's body on the runtime's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decode {
    /// It is checked against the model; the host gets the bytes.
    Check,
    /// It is checked and handed over as rows (`bridge/rows.rs`), a JSON array; as it came, a JSON object, where
    /// that cannot be.
    Rows,
    /// The host gets the model, as a `Box<dyn Any>` of `models::<Model>` (of `()` for an empty answer).
    Typed,
}

/// A call's end.
#[derive(Debug)]
pub struct Completion {
    /// The id that it was started with.
    pub id: u64,
    /// What came of it.
    pub result: Result<Answer, Error>,
}

/// An answer that is a value.
#[derive(Debug)]
pub struct Answer {
    /// `None` for an access token.
    pub operation: Option<&'static Operation>,
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The JSON, or the rows; empty where the answer has no model.
    pub body: Bytes,
    /// The model, with [`Decode::Typed`].
    pub typed: Option<Box<dyn Any + Send>>,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// How often the request was repeated.
    pub retry_count: u32,
}

/// A queue of completions for one event loop, environment or pump thread. Dropping it aborts what
/// is out. In a forked child it is empty and works.
pub struct Channel {
    decode: Decode,
    wake: Box<dyn Fn() + Send + Sync>,
    inner: PerProcess<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    out: HashMap<u64, AbortHandle>,
    ready: VecDeque<Completion>,
    /// Threads in [`Channel::wait`].
    waiting: u32,
    closed: bool,
}

impl Channel {
    /// A channel. `wake` is called when the queue turns from empty to not empty, on the runtime's
    /// thread (or on the starting one, for a call that cannot start); it must not block. Whoever
    /// is woken drains until nothing comes: items left in the queue cause no second wake-up.
    pub fn new(decode: Decode, wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        watch_forks();
        Arc::new(Self {
            decode,
            wake: Box::new(wake),
            inner: PerProcess::new(),
        })
    }

    /// Starts a call; `operation` is its place in [`operations`], `args` the JSON envelope
    /// `{"path", "query", "body", "options"}`. Every fault arrives as a completion.
    pub fn start(self: &Arc<Self>, client: &BridgeClient, id: u64, operation: u32, args: &[u8]) {
        let (decode, args) = (self.decode, args.to_vec());
        self.launch(client, id, move |core| call(core, decode, operation, args));
    }

    /// Asks for an access token: the completion's body is
    /// `{"access_token", "token_type", "expires_in", "scope"}`.
    pub fn start_token(self: &Arc<Self>, client: &BridgeClient, id: u64) {
        self.launch(client, id, token);
    }

    /// Stops a call on the wire. When true, no completion of that id will come; when false, it is
    /// in the queue already or was never started.
    pub fn cancel(&self, id: u64) -> bool {
        let task = self.state().out.remove(&id);
        task.inspect(AbortHandle::abort).is_some()
    }

    /// Takes completions out, at least one if there is one, up to a number of items and of body
    /// bytes. Never blocks.
    pub fn drain(&self, max_items: usize, max_bytes: usize) -> Vec<Completion> {
        let mut state = self.state();
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        while taken.len() < max_items.max(1) {
            let size = match state.ready.front().map(|completion| &completion.result) {
                Some(Ok(answer)) => answer.body.len(),
                Some(Err(_)) => 0,
                None => break,
            };
            bytes = bytes.saturating_add(size);
            if bytes > max_bytes && !taken.is_empty() {
                break;
            }
            taken.extend(state.ready.pop_front());
        }
        taken
    }

    /// Blocks until something is in the queue or the channel is closed; false when the time is up.
    pub fn wait(&self, timeout: Duration) -> bool {
        let end = Instant::now().checked_add(timeout);
        let inner = self.inner();
        let mut state = self.state();
        state.waiting += 1;
        while state.ready.is_empty() && !state.closed {
            let rest = match end {
                Some(end) => end.saturating_duration_since(Instant::now()),
                None => timeout,
            };
            if rest.is_zero() {
                break;
            }
            let woken = inner.arrived.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting -= 1;
        !state.ready.is_empty() || state.closed
    }

    /// Calls that were started and whose completions were not yet taken out.
    #[must_use]
    pub fn pending(&self) -> usize {
        let state = self.state();
        state.out.len() + state.ready.len()
    }

    /// Aborts all that is out and forgets what is in the queue.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.abort_all();
        drop(state);
        self.inner().arrived.notify_all();
    }

    fn launch<F>(
        self: &Arc<Self>,
        client: &BridgeClient,
        id: u64,
        work: impl FnOnce(Arc<Core>) -> F,
    ) where
        F: Future<Output = Result<Answer, Error>> + Send + 'static,
    {
        match client.core() {
            Ok(core) => self.spawn(id, work(core.clone())),
            Err(error) => self.finish(id, Err(error), true),
        }
    }

    /// Runs work on the runtime; its result becomes the completion.
    pub(super) fn spawn(
        self: &Arc<Self>,
        id: u64,
        work: impl Future<Output = Result<Answer, Error>> + Send + 'static,
    ) {
        let runtime = match runtime::handle() {
            Ok(runtime) => runtime,
            Err(error) => return self.finish(id, Err(error), true),
        };
        let work = AssertUnwindSafe(work).catch_unwind();
        let channel = Arc::downgrade(self);
        // Held while the task starts, so that it cannot end before it is known to be out.
        let mut state = self.state();
        if state.closed {
            drop(state);
            return self.finish(id, Err(Error::closed()), true);
        }
        let task = runtime.spawn(async move {
            let result = work
                .await
                .unwrap_or_else(|_| Err(Error::decoding("the call failed inside the SDK")));
            if let Some(channel) = Weak::upgrade(&channel) {
                channel.finish(id, result, false);
            }
        });
        state.out.insert(id, task.abort_handle());
    }

    /// Queues a completion, unless the call was cancelled.
    pub(super) fn finish(&self, id: u64, result: Result<Answer, Error>, never_out: bool) {
        let mut state = self.state();
        if state.out.remove(&id).is_none() && !never_out {
            return;
        }
        let first = state.ready.is_empty();
        state.ready.push_back(Completion { id, result });
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.inner().arrived.notify_all();
        }
        if first && catch_unwind(AssertUnwindSafe(&self.wake)).is_err() {
            event!(ERROR, None::<u64>, "the host's wake-up panicked");
        }
    }

    fn inner(&self) -> &Inner {
        self.inner.get_or_init(Inner::default)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner()
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn abort_all(&mut self) {
        self.out.drain().for_each(|(_, task)| task.abort());
        self.ready.clear();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.get() {
            inner
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .abort_all();
        }
    }
}

async fn call(
    core: Arc<Core>,
    decode: Decode,
    operation: u32,
    args: Vec<u8>,
) -> Result<Answer, Error> {
    let operation = usize::try_from(operation)
        .ok()
        .and_then(|place| operations().get(place))
        .ok_or_else(|| Error::argument("operation", "is not in the table"))?;
    let (request, options) = args::read(operation, &args)?;
    drop(args);
    let mut answered = execute(&core, &request, &options).await?;
    let decoder = operation.answers[answered.answer].decoder;
    let typed = match (decoder, decode) {
        (None, Decode::Typed) => Some(Box::new(()) as Box<dyn Any + Send>),
        (None, Decode::Check | Decode::Rows) => None,
        (Some(decoder), Decode::Typed) => {
            Some((decoder.typed)(&answered.body).map_err(|e| describe(&answered, &e))?)
        }
        (Some(decoder), Decode::Check) => {
            decoder
                .shape
                .check(&answered.body)
                .map_err(|e| describe(&answered, &e))?;
            None
        }
        (Some(decoder), Decode::Rows) => {
            let rows = rows::of(decoder.shape, &answered.body);
            if let Some(rows) = rows.map_err(|e| describe(&answered, &e))? {
                answered.body = rows.into();
            }
            None
        }
    };
    if decoder.is_none() {
        answered.body = Bytes::new();
    }
    Ok(Answer {
        operation: Some(operation),
        status: answered.status,
        headers: headers(&answered.headers),
        body: answered.body,
        typed,
        request_id: answered.request_id,
        retry_count: answered.retry_count,
    })
}

async fn token(core: Arc<Core>) -> Result<Answer, Error> {
    let token = core.token(Duration::MAX).await?;
    let body = json!({
        "access_token": token.access,
        "token_type": token.token_type,
        "expires_in": token.rest(Moment::now(&*core.clock)).as_secs(),
        "scope": token.scope,
    });
    Ok(Answer {
        operation: None,
        status: 200,
        headers: Vec::new(),
        body: body.to_string().into(),
        typed: None,
        request_id: None,
        retry_count: 0,
    })
}

//! The completion queue: calls go in by id, completions come out in batches.
//!
//! A host has one thread that sits in `agentidp_queue_take`, or a descriptor of its own that tells it
//! when to take without waiting; no Rust thread ever enters the host.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sentryagent_idp::bridge::{Channel, Completion, Decode};
use serde_json::json;

use crate::{
    client::AgentidpClient,
    guard::guard,
    output::{Output, input},
    wake::Wake,
};

/// Set in a call's id: the completion carries status, headers and request id as metadata.
pub const AGENTIDP_ID_WITH_METADATA: u64 = 1 << 63;
/// The completion's body is the answer's body.
pub const AGENTIDP_COMPLETION_ANSWER: u32 = 0;
/// The completion's body is an error record.
pub const AGENTIDP_COMPLETION_ERROR: u32 = 1;
/// The call is out.
pub const AGENTIDP_START_OK: i32 = 0;
/// The client has a configuration error; nothing was started.
pub const AGENTIDP_START_UNCONFIGURED: i32 = 1;
/// A null handle or a panic; nothing was started.
pub const AGENTIDP_START_MISUSE: i32 = 2;
/// `agentidp_queue_take`: the queue is closed and empty.
pub const AGENTIDP_QUEUE_CLOSED: i64 = i64::MIN;

/// At most this many completions leave the core at once, so that one take stays short.
const BATCH_ITEMS_MAX: usize = 256;
/// id, kind, status, length of the metadata, length of the body.
const HEAD_BYTES: usize = 8 + 4 + 4 + 4 + 4;

/// A completion queue. Opaque.
pub struct AgentidpQueue {
    channel: Arc<Channel>,
    /// Taken from the channel but not yet by the host: the last batch was larger than its buffer.
    held: Mutex<VecDeque<Frame>>,
    closed: AtomicBool,
}

/// One completion in its wire form.
struct Frame {
    id: u64,
    kind: u32,
    status: u32,
    metadata: Vec<u8>,
    body: Bytes,
}

impl Frame {
    fn len(&self) -> usize {
        HEAD_BYTES + self.metadata.len() + self.body.len()
    }

    fn put(&self, output: &mut Output) {
        // A part over 4 GiB cannot come: the core caps what it reads far below.
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut head = [0u8; HEAD_BYTES];
        head[..8].copy_from_slice(&self.id.to_le_bytes());
        head[8..12].copy_from_slice(&self.kind.to_le_bytes());
        head[12..16].copy_from_slice(&self.status.to_le_bytes());
        head[16..20].copy_from_slice(&length(&self.metadata).to_le_bytes());
        head[20..].copy_from_slice(&length(&self.body).to_le_bytes());
        output.put(&head);
        output.put(&self.metadata);
        output.put(&self.body);
    }
}

impl From<Completion> for Frame {
    fn from(completion: Completion) -> Self {
        let id = completion.id;
        match completion.result {
            Ok(answer) => {
                let metadata = if id & AGENTIDP_ID_WITH_METADATA == 0 {
                    Vec::new()
                } else {
                    json!({
                        "headers": answer.headers,
                        "requestId": answer.request_id,
                        "retryCount": answer.retry_count,
                    })
                    .to_string()
                    .into_bytes()
                };
                Self {
                    id,
                    kind: AGENTIDP_COMPLETION_ANSWER,
                    status: u32::from(answer.status),
                    metadata,
                    body: answer.body,
                }
            }
            Err(error) => Self {
                id,
                kind: AGENTIDP_COMPLETION_ERROR,
                status: 0,
                metadata: Vec::new(),
                body: Bytes::from(error.to_json().to_string()),
            },
        }
    }
}

impl AgentidpQueue {
    fn new(wake: Option<Wake>) -> Self {
        Self {
            // Takers that wait do so on the channel itself and need no waking.
            channel: Channel::new(Decode::Check, move || {
                if let Some(wake) = wake {
                    wake.signal();
                }
            }),
            held: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// As `agentidp_queue_take`.
    fn take(&self, timeout: Duration, mut output: Output) -> i64 {
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let is_held = !self.held().is_empty();
        if !is_held && !self.channel.wait(timeout) {
            return if self.closed.load(Ordering::Acquire) {
                AGENTIDP_QUEUE_CLOSED
            } else {
                0
            };
        }
        let mut held = self.held();
        if held.is_empty() {
            let batch = self.channel.drain(BATCH_ITEMS_MAX, output.room().max(1));
            held.extend(batch.into_iter().map(Frame::from));
        }
        while let Some(frame) = held.pop_front_if(|f| f.len() <= output.room()) {
            frame.put(&mut output);
        }
        match (output.used(), held.front()) {
            (0, Some(frame)) => -signed(frame.len()),
            (0, None) if self.closed.load(Ordering::Acquire) => AGENTIDP_QUEUE_CLOSED,
            (used, _) => signed(used),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, VecDeque<Frame>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.channel.close();
    }
}

/// A new queue. Whenever it turns from empty to not empty, eight bytes are written to `wake_fd`: an
/// eventfd, or a pipe's writing end, non-blocking, open until the queue is freed. Negative is none,
/// for hosts that take with a time-out (on Windows all do). Who is woken takes until 0 comes.
///
/// Null only after a panic. Free it with `agentidp_queue_free`.
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_queue_new(wake_fd: i32) -> *mut AgentidpQueue {
    guard(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(AgentidpQueue::new(Wake::new(wake_fd))))
    })
}

/// Starts a call; its end is a completion with this `id`. Never blocks.
///
/// `operation` is an index of the table. `args` is a JSON object, every key optional:
/// `{"path":{…},"query":{…},"body":{…},"options":{"timeoutMs","retries","headers","idempotencyKey","requestId"}}`.
/// Every fault, bad arguments included, arrives as a completion, except the two that
/// `AGENTIDP_START_UNCONFIGURED` and `AGENTIDP_START_MISUSE` tell at once.
///
/// # Safety
/// `queue` and `client` are null or live handles; `args` is null or points to `args_len` readable
/// bytes (copied before this returns).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_call_start(
    queue: *const AgentidpQueue,
    client: *const AgentidpClient,
    id: u64,
    operation: u32,
    args: *const u8,
    args_len: usize,
) -> i32 {
    // SAFETY: the caller's promises, passed on.
    let (queue, client, args) = unsafe { (queue.as_ref(), client.as_ref(), input(args, args_len)) };
    guard(AGENTIDP_START_MISUSE, || {
        let (Some(queue), Some(client)) = (queue, client) else {
            return AGENTIDP_START_MISUSE;
        };
        let Some(client) = client.configured() else {
            return AGENTIDP_START_UNCONFIGURED;
        };
        queue.channel.start(client, id, operation, args);
        AGENTIDP_START_OK
    })
}

/// Starts getting an access token, from the cache or by a request that all waiting callers share;
/// the completion's body is `{"access_token","token_type","expires_in","scope"}`.
///
/// # Safety
/// As `agentidp_call_start`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_token_start(
    queue: *const AgentidpQueue,
    client: *const AgentidpClient,
    id: u64,
) -> i32 {
    // SAFETY: the caller's promises, passed on.
    let (queue, client) = unsafe { (queue.as_ref(), client.as_ref()) };
    guard(AGENTIDP_START_MISUSE, || {
        let (Some(queue), Some(client)) = (queue, client) else {
            return AGENTIDP_START_MISUSE;
        };
        let Some(client) = client.configured() else {
            return AGENTIDP_START_UNCONFIGURED;
        };
        queue.channel.start_token(client, id);
        AGENTIDP_START_OK
    })
}

/// Ends the call on the wire. 1: it is gone and no completion follows. 0: it had ended already, its
/// completion is in the queue or was taken.
///
/// # Safety
/// `queue` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_call_cancel(queue: *const AgentidpQueue, id: u64) -> i32 {
    // SAFETY: the caller's promise, passed on.
    let queue = unsafe { queue.as_ref() };
    guard(0, || queue.map_or(0, |q| i32::from(q.channel.cancel(id))))
}

/// Waits up to `timeout_ms` for completions and writes as many as fit, one behind the other, all
/// numbers little endian:
/// `u64 id, u32 kind, u32 status, u32 metadata_len, u32 body_len, metadata, body`.
///
/// `kind` is one of `AGENTIDP_COMPLETION_…`; `status` is the HTTP status of an answer; the metadata
/// is empty, or - for ids with `AGENTIDP_ID_WITH_METADATA` - the JSON object
/// `{"headers":[[name,value],…],"requestId","retryCount"}`.
///
/// Returns the number of bytes written; 0 when the time was up; minus the bytes needed when the
/// next completion does not fit (it stays); `AGENTIDP_QUEUE_CLOSED` when there will be no more.
/// Blocks the calling thread unless `timeout_ms` is 0; call it from one thread at a time.
///
/// # Safety
/// `queue` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_queue_take(
    queue: *const AgentidpQueue,
    timeout_ms: u32,
    buffer: *mut u8,
    capacity: usize,
) -> i64 {
    // SAFETY: the caller's promises, passed on.
    let (queue, output) = unsafe { (queue.as_ref(), Output::new(buffer, capacity)) };
    guard(AGENTIDP_QUEUE_CLOSED, || {
        queue.map_or(AGENTIDP_QUEUE_CLOSED, |q| {
            q.take(Duration::from_millis(u64::from(timeout_ms)), output)
        })
    })
}

/// How many calls are out or completed but not taken by the core's queue.
///
/// # Safety
/// `queue` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_queue_pending(queue: *const AgentidpQueue) -> usize {
    // SAFETY: the caller's promise, passed on.
    let queue = unsafe { queue.as_ref() };
    guard(0, || queue.map_or(0, |q| q.channel.pending()))
}

/// Ends every call that is out and wakes the taker. The handle stays valid.
///
/// # Safety
/// `queue` is null or a live handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_queue_close(queue: *const AgentidpQueue) {
    // SAFETY: the caller's promise, passed on.
    let queue = unsafe { queue.as_ref() };
    guard((), || {
        if let Some(queue) = queue {
            queue.close();
        }
    });
}

/// Closes the queue and frees the handle.
///
/// # Safety
/// `queue` is null or a live handle that no thread uses any more: the taker has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_queue_free(queue: *mut AgentidpQueue) {
    if queue.is_null() {
        return;
    }
    // SAFETY: made by `Box::into_raw` in `agentidp_queue_new`, and the caller gives it up.
    let queue = unsafe { Box::from_raw(queue) };
    guard((), || {
        queue.close();
        drop(queue);
    });
}

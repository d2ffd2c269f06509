//! Log records for the host: it says what it wants, is woken, and takes them as JSON.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sentryagent_idp::bridge::logs::{self, Level, Record};
use serde_json::json;

use crate::{guard::guard, output::Output, wake::Wake};

/// At most this many records leave at once, so that one take stays short.
const BATCH_ITEMS_MAX: usize = 256;

/// The batch that was larger than the host's buffer.
static HELD: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// Which log records are made, for all clients of the process: none (0, at first), errors (1),
/// warnings too (2), infos (3), debug (4), trace (5 and above).
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_logs_want(level: u32) {
    guard((), || {
        logs::want(match level {
            0 => None,
            1 => Some(Level::Error),
            2 => Some(Level::Warn),
            3 => Some(Level::Info),
            4 => Some(Level::Debug),
            _ => Some(Level::Trace),
        });
    });
}

/// Writes eight bytes to that descriptor - an eventfd, or a pipe's writing end; non-blocking -
/// whenever the queue of records turns from empty to not empty; a negative one ends that. Keep it
/// open until then. On Windows nothing is written: take from time to time.
#[unsafe(no_mangle)]
pub extern "C" fn agentidp_logs_wake(fd: i32) {
    guard((), || {
        logs::on_record(
            Wake::new(fd)
                .map(|wake| Box::new(move || wake.signal()) as Box<dyn Fn() + Send + Sync>),
        );
    });
}

/// Takes records out, oldest first: a JSON list of
/// `{"client": number|null, "level": 1..5, "message", "fields": {…}, "timeMs"}`. Never blocks.
///
/// Returns the number of bytes written; 0 when there are none; minus the bytes needed when they do
/// not fit (they stay). Take until nothing comes.
///
/// # Safety
/// `buffer` is null or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn agentidp_logs_take(buffer: *mut u8, capacity: usize) -> i64 {
    // SAFETY: the caller's promise, passed on.
    let output = unsafe { Output::new(buffer, capacity) };
    guard(0, || {
        let mut held = held();
        let batch = match held.take() {
            Some(batch) => batch,
            None => {
                let records = logs::drain(BATCH_ITEMS_MAX);
                if records.is_empty() {
                    return 0;
                }
                written(&records)
            }
        };
        let (room, len) = (output.room(), batch.len());
        let signed = i64::try_from(len).unwrap_or(i64::MAX);
        if len > room {
            *held = Some(batch);
            return -signed;
        }
        output.fill(&batch);
        signed
    })
}

fn written(records: &[Record]) -> Vec<u8> {
    let list: Vec<_> = records
        .iter()
        .map(|r| {
            json!({
                "client": r.client,
                "level": r.level as u8,
                "message": r.message,
                "fields": r.fields,
                "timeMs": r.time_ms,
            })
        })
        .collect();
    json!(list).to_string().into_bytes()
}

fn held() -> MutexGuard<'static, Option<Vec<u8>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What a drain hands over: one JSON text for many completions, so that crossing into JavaScript
//! and parsing are paid once for a batch.
//!
//! `[more, completion…]`, where a completion is `[id, status, body]`, `[id, status, body, meta]`
//! for an id that asks for it, or `[id, 0, error record]`. Bodies are copied as they came from the core,
//! which has checked them against the model: rows mostly, or else the answer's JSON.

use std::fmt::Write as _;

use sentryagent_idp::bridge::{Answer, Completion};
use serde::Serialize;

/// Completions in one batch: a drain stays well under a millisecond for small answers.
pub const ITEMS_MAX: usize = 256;
/// Bytes of answers in one batch, beyond its first: a drain leaves the loop room when answers are large.
pub const BYTES_MAX: usize = 512 * 1024;

/// Stands where a status does.
const FAILED: u16 = 0;

/// Odd ids ask for what stands around the answer.
fn wants_meta(id: u64) -> bool {
    id % 2 == 1
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    headers: &'a [(String, String)],
    request_id: Option<&'a str>,
    retry_count: u32,
}

/// The text of one batch; `more` says that another drain would find something at once.
pub fn text(completions: &[Completion], more: bool) -> String {
    let bodies: usize = completions
        .iter()
        .filter_map(|c| c.result.as_ref().ok())
        .map(|answer| answer.body.len() + 32)
        .sum();
    let mut out = String::with_capacity(bodies + 64);
    out.push_str(if more { "[1" } else { "[0" });
    for completion in completions {
        out.push_str(",[");
        match &completion.result {
            Ok(answer) => push_answer(&mut out, completion.id, answer),
            Err(error) => {
                let _ = write!(out, "{},{FAILED},{}", completion.id, error.to_json());
            }
        }
        out.push(']');
    }
    out.push(']');
    out
}

fn push_answer(out: &mut String, id: u64, answer: &Answer) {
    let _ = write!(out, "{id},{},", answer.status);
    if answer.body.is_empty() {
        out.push_str("null");
    } else {
        // The parser that checked it may have passed over bad UTF-8 in fields that no model names.
        out.push_str(&String::from_utf8_lossy(&answer.body));
    }
    if wants_meta(id) {
        let meta = Meta {
            headers: &answer.headers,
            request_id: answer.request_id.as_deref(),
            retry_count: answer.retry_count,
        };
        // Text and numbers always serialize.
        if let Ok(meta) = serde_json::to_string(&meta) {
            out.push(',');
            out.push_str(&meta);
        }
    }
}

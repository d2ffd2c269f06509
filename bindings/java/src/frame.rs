//! How completions cross into Java: one byte array a batch.
//!
//! A frame, all numbers big-endian: `id` u64, `kind` u8 (0 answer, 1 error), `status` u16,
//! `retry count` u32, `head length` u32, head, `body length` u32, body. The head is text: the
//! request id, then one `name:value` a line; an error has one when an answer stands behind it (its
//! status is then not 0). The body is the answer's JSON (empty when the answer is), or the error
//! record. Java reads it in `Frame.java`.

use sentryagent_idp::bridge::Completion;

const ANSWER: u8 = 0;
const ERROR: u8 = 1;

/// Bytes of a frame without head and body.
const FIXED: usize = 8 + 1 + 2 + 4 + 4 + 4;

/// Writes a batch.
pub fn encode(batch: &[Completion]) -> Vec<u8> {
    let size = batch
        .iter()
        .map(|c| FIXED + 512 + c.result.as_ref().map_or(512, |a| a.body.len()))
        .sum();
    let mut out = Vec::with_capacity(size);
    for completion in batch {
        match &completion.result {
            Ok(answer) => {
                let head = head(answer.request_id.as_deref(), &answer.headers);
                fixed(
                    &mut out,
                    completion.id,
                    ANSWER,
                    answer.status,
                    answer.retry_count,
                );
                chunk(&mut out, head.as_bytes());
                chunk(&mut out, &answer.body);
            }
            Err(error) => {
                let status = error.http_status().unwrap_or_default();
                let head = match status {
                    0 => String::new(),
                    _ => head(error.request_id(), error.headers()),
                };
                fixed(&mut out, completion.id, ERROR, status, error.retry_count());
                chunk(&mut out, head.as_bytes());
                chunk(&mut out, error.to_json().to_string().as_bytes());
            }
        }
    }
    out
}

fn fixed(out: &mut Vec<u8>, id: u64, kind: u8, status: u16, retries: u32) {
    out.extend_from_slice(&id.to_be_bytes());
    out.push(kind);
    out.extend_from_slice(&status.to_be_bytes());
    out.extend_from_slice(&retries.to_be_bytes());
}

/// A chunk never reaches 4 GiB: the core's limit for a body is far below.
fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

fn head(request_id: Option<&str>, headers: &[(String, String)]) -> String {
    let mut head = String::with_capacity(400);
    head.push_str(request_id.unwrap_or_default());
    for (name, value) in headers {
        head.push('\n');
        head.push_str(name);
        head.push(':');
        // A header's value has no line break on the wire; were there one, it must not make a line.
        head.extend(value.chars().filter(|c| *c != '\n'));
    }
    head
}

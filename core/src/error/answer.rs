//! An HTTP answer that is no value becomes an [`Error`].
//!
//! Owns: status -> kind, the two envelopes, `Retry-After`.
//! Refuses: trusting the answer: whatever stands there, an error of the right kind comes out, and without
//! the secrets that were sent - gateways there are that repeat the request which they refuse.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::{Error, ErrorKind, codes, masking};
use crate::{
    operation::{Envelope, Operation},
    policy,
};

/// What is known of an answer when its error is made.
pub(crate) struct Seen<'a> {
    pub operation: &'static Operation,
    pub status: u16,
    pub body: &'a [u8],
    pub headers: &'a HeaderMap,
    pub request_id: Option<String>,
    pub retry_after: Option<Duration>,
    /// What the request held and nobody may see.
    pub secrets: &'a [&'a str],
}

/// What says more about a wrong value is not for a message.
const REASON_BYTES_MAX: usize = 256;

/// The kind that a status means; `None` for what no error answer may have.
fn kind(status: u16) -> Option<ErrorKind> {
    Some(match status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimit,
        400..=499 => ErrorKind::Validation,
        500..=599 => ErrorKind::Server,
        _ => return None,
    })
}

/// Makes the error of an answer.
pub(crate) fn error(seen: Seen<'_>) -> Error {
    let Some(kind) = kind(seen.status) else {
        let message = if (300..400).contains(&seen.status) {
            format!(
                "the answer redirects ({}); redirects are never followed",
                seen.status
            )
        } else {
            format!(
                "status {} is no answer of {}",
                seen.status, seen.operation.id
            )
        };
        return Error::decoding(message)
            .with_status(seen.status)
            .with_headers(seen.headers)
            .without(seen.secrets)
            .with_request_id(seen.request_id);
    };
    let mut body = match serde_json::from_slice(seen.body) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    // Read first: JSON may spell a secret in more than one way.
    masking::mask_members(&mut body, seen.secrets);
    let oauth = match seen.operation.envelope {
        Envelope::OAuth => text(&body, "error"),
        Envelope::Standard => None,
    };
    let code = text(&body, "code")
        .or_else(|| oauth.clone())
        .unwrap_or_else(|| format!("HTTP_{}", seen.status));
    let message = text(&body, "message")
        .or_else(|| text(&body, "error_description"))
        .unwrap_or_else(|| format!("the server answered {}", seen.status));
    Error::new(kind, code, message)
        .with_status(seen.status)
        .with_headers(seen.headers)
        .without(seen.secrets)
        .with_request_id(seen.request_id)
        .with_details(body.get("details").filter(|d| d.is_object()).cloned())
        .with_oauth_error(oauth)
        .with_retry_after(seen.retry_after)
        .with_retryable(policy::retryable_status(seen.status))
}

/// A non-empty string of the body.
fn text(body: &Map<String, Value>, key: &str) -> Option<String> {
    body.get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The error of a body that is not what the contract says; what stands in it is not repeated.
pub(crate) fn undecodable(operation: &Operation, reason: &serde_json::Error) -> Error {
    let said = reason.to_string();
    let place = match reason.classify() {
        serde_json::error::Category::Eof => "it ends too early".to_owned(),
        // A wrong value is repeated in its message, whole; that a field is missing is no secret.
        serde_json::error::Category::Data
            if said.len() <= REASON_BYTES_MAX
                && (!operation.sensitive || said.starts_with("missing field")) =>
        {
            said
        }
        _ => format!("line {} column {}", reason.line(), reason.column()),
    };
    Error::new(
        ErrorKind::Decoding,
        codes::DECODING_ERROR,
        format!(
            "the answer of {} is not what the contract says: {place}",
            operation.id
        ),
    )
}

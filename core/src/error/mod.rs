//! The one error type: kinds, predicates, and the record that crosses into other languages.
//!
//! ```text
//! Error ── kind ── Authentication   401
//!               ├─ Permission       403
//!               ├─ NotFound         404, 410
//!               ├─ Conflict         409
//!               ├─ Validation       400, 405, 413, 415, 422, and arguments refused before a request is made
//!               ├─ RateLimit        429
//!               ├─ Server           5xx
//!               ├─ Connection       no answer came: CONNECTION_ERROR
//!               ├─ Timeout          408, or the call's own deadline: TIMEOUT
//!               ├─ Cancelled        the caller gave up: CANCELLED
//!               ├─ Configuration    CONFIGURATION_ERROR, CLIENT_CLOSED
//!               └─ Decoding         the answer is not what the contract says: DECODING_ERROR
//! ```
//!
//! Owns: what an error says. [`answer`] makes one from an HTTP answer.
//! Refuses: secrets. No token, credential, header or body is ever part of a message.

pub(crate) mod answer;
mod kind;
mod masking;

use std::{borrow::Cow, fmt, time::Duration};

use http::HeaderMap;
use serde_json::{Map, Value, json};

pub use self::kind::{ErrorKind, codes};
use crate::call::headers as texts;

/// Headers that an error does not keep: errors are logged, stored and sent about.
const WITHHELD: [&str; 3] = ["set-cookie", "authorization", "proxy-authorization"];

/// Why a call failed.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    code: Cow<'static, str>,
    message: String,
    http_status: Option<u16>,
    details: Option<Value>,
    request_id: Option<String>,
    /// Of the answer; `None` without one.
    headers: Option<Vec<(String, String)>>,
    retry_after: Option<Duration>,
    retryable: bool,
    retry_count: u32,
    oauth_error: Option<String>,
    cause: Option<Cause>,
}

/// What lay beneath, in words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            code: code.into(),
            message: message.into(),
            http_status: None,
            details: None,
            request_id: None,
            headers: None,
            retry_after: None,
            retryable: false,
            retry_count: 0,
            oauth_error: None,
            cause: None,
        }))
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Configuration,
            codes::CONFIGURATION_ERROR,
            message,
        )
    }

    pub(crate) fn outside_of_a_runtime() -> Self {
        Self::configuration("a call was made outside of a tokio runtime; await it inside one")
    }

    pub(crate) fn closed() -> Self {
        Self::new(
            ErrorKind::Configuration,
            codes::CLIENT_CLOSED,
            "the client is closed",
        )
    }

    pub(crate) fn connection(message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::Connection, codes::CONNECTION_ERROR, message);
        error.0.retryable = true;
        error
    }

    pub(crate) fn decoding(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Decoding, codes::DECODING_ERROR, message)
    }

    pub(crate) fn timeout(after: Duration, tries: u32) -> Self {
        let tries = match tries {
            0 => "before the first try".to_owned(),
            1 => "1 try".to_owned(),
            n => format!("{n} tries"),
        };
        let mut error = Self::new(
            ErrorKind::Timeout,
            codes::TIMEOUT,
            format!("no answer within {} ms ({tries})", after.as_millis()),
        );
        error.0.retryable = true;
        error
    }

    /// An argument is refused before a request is made.
    pub(crate) fn argument(field: &str, reason: &str) -> Self {
        let mut error = Self::new(
            ErrorKind::Validation,
            codes::VALIDATION_ERROR,
            format!("{field}: {reason}"),
        );
        error.0.details = Some(json!({
            "field": field,
            "reason": reason,
            "errors": [{"field": field, "reason": reason}],
        }));
        error
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        self.0.request_id = id;
        self
    }

    pub(crate) fn with_headers(mut self, headers: &HeaderMap) -> Self {
        let mut kept = texts(headers);
        kept.retain(|(name, _)| !WITHHELD.contains(&name.as_str()));
        self.0.headers = Some(kept);
        self
    }

    /// Masks what the headers repeat of these.
    fn without(mut self, secrets: &[&str]) -> Self {
        for (_, value) in self.0.headers.iter_mut().flatten() {
            if let Some(clean) = masking::masked(value, secrets) {
                *value = clean;
            }
        }
        self
    }

    pub(crate) fn with_details(mut self, details: Option<Value>) -> Self {
        self.0.details = details;
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    pub(crate) fn with_retry_count(mut self, count: u32) -> Self {
        self.0.retry_count = count;
        self
    }

    pub(crate) fn with_oauth_error(mut self, error: Option<String>) -> Self {
        self.0.oauth_error = error;
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(Cause(cause.to_string()));
        self
    }

    /// The same answer, which however is about how the SDK was set up; what it said becomes the cause.
    pub(crate) fn into_configuration(mut self, message: impl Into<String>) -> Self {
        let said = self.to_string();
        self.0.kind = ErrorKind::Configuration;
        self.0.code = codes::CONFIGURATION_ERROR.into();
        self.0.message = message.into();
        self.0.oauth_error = None;
        self.with_cause(said)
    }

    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.0.message.push_str(note);
        self
    }

    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// A code of the API's error table, an OAuth error, or one of [`codes`].
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// For people; may change.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The answer's status; `None` when there was no answer.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// What else the answer said: for validation errors `errors[] = {field, reason}`.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// Quote it when you ask for help.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The answer's headers, names in lower case, in the order in which they came; empty when there
    /// was no answer. Cookies are left out. Headers are no part of the error's `Debug`.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        self.0.headers.as_deref().unwrap_or_default()
    }

    /// The first header of the answer with that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers().iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How often the SDK repeated the request before it gave up.
    #[must_use]
    pub fn retry_count(&self) -> u32 {
        self.0.retry_count
    }

    /// The `error` of an OAuth answer (RFC 6749 section 5.2).
    #[must_use]
    pub fn oauth_error(&self) -> Option<&str> {
        self.0.oauth_error.as_deref()
    }

    /// What lay beneath, in words: the last failure before a timeout, what the network said.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_ref().map(|c| c.0.as_str())
    }

    /// The record that every language builds its own error from.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let e = &*self.0;
        json!({
            "kind": e.kind.as_str(),
            "code": e.code,
            "message": e.message,
            "httpStatus": e.http_status,
            "requestId": e.request_id,
            "headers": e.headers.as_deref().map(joined),
            "retryable": e.retryable,
            "retryAfter": e.retry_after.map(seconds),
            "details": e.details,
            "oauthError": e.oauth_error,
            "retryCount": e.retry_count,
            "cause": self.cause(),
        })
    }
}

/// One entry a name, as a JSON object; a repeated header's values are joined as RFC 9110 allows.
fn joined(headers: &[(String, String)]) -> Value {
    let mut out = Map::new();
    for (name, value) in headers {
        match out.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(value);
            }
            _ => {
                out.insert(name.clone(), Value::from(value.as_str()));
            }
        }
    }
    Value::Object(out)
}

/// Whole seconds as an integer, others with their fraction.
fn seconds(after: Duration) -> Value {
    if after.subsec_nanos() == 0 {
        json!(after.as_secs())
    } else {
        json!(after.as_secs_f64())
    }
}

macro_rules! predicates {
    ($($name:ident = $kind:ident,)*) => {
        impl Error {
            $(
                #[doc = concat!("The kind is [`ErrorKind::", stringify!($kind), "`].")]
                #[must_use]
                pub fn $name(&self) -> bool {
                    self.0.kind == ErrorKind::$kind
                }
            )*
        }
    };
}
predicates! {
    is_authentication = Authentication,
    is_permission = Permission,
    is_not_found = NotFound,
    is_conflict = Conflict,
    is_validation = Validation,
    is_rate_limit = RateLimit,
    is_server = Server,
    is_connection = Connection,
    is_timeout = Timeout,
    is_cancelled = Cancelled,
    is_configuration = Configuration,
    is_decoding = Decoding,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        if let Some(id) = &self.0.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &*self.0;
        f.debug_struct("Error")
            .field("kind", &e.kind)
            .field("code", &e.code)
            .field("message", &e.message)
            .field("http_status", &e.http_status)
            .field("request_id", &e.request_id)
            .field("details", &e.details)
            .field("retry_after", &e.retry_after)
            .field("retry_count", &e.retry_count)
            .field("oauth_error", &e.oauth_error)
            .field("cause", &self.cause())
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|c| c as _)
    }
}

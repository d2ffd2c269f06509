//! What goes over the wire: a status, headers and bytes; and how an error becomes that.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{facts::Envelope, headers, inbound};
use crate::{error::ApiError, generated::codes::Code};

/// A finished answer, still plain bytes, so that it can be stored and replayed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers of the answer's own; the pipeline adds those that every answer has.
    pub headers: HeaderMap,
    /// The body; `None` for an empty answer.
    pub body: Option<Bytes>,
    /// See [`super::Reply::replay_guard`].
    pub guard: Option<(Uuid, Uuid)>,
}

impl Answer {
    /// JSON, or nothing.
    pub fn new(status: StatusCode, body: Option<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        if body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        Self {
            status,
            headers,
            body,
            guard: None,
        }
    }

    /// One more header.
    pub fn header(mut self, name: &'static str, value: &str) -> Result<Self, ApiError> {
        let value = HeaderValue::from_str(value).map_err(ApiError::internal)?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// Replayed only while that agent's credential is active.
    #[must_use]
    pub fn replay_guard(mut self, agent_id: Uuid, credential_id: Uuid) -> Self {
        self.guard = Some((agent_id, credential_id));
        self
    }

    /// For the wire.
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body.map_or_else(Body::empty, Body::from));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// An error in that envelope, with the headers that belong to it.
pub fn error(error: &ApiError, envelope: Envelope) -> Answer {
    let code = error.code();
    let body = match envelope {
        Envelope::Standard => standard(error),
        Envelope::OAuth => oauth(error),
    };
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Answer::new(status, Some(body.to_string().into()));
    if let Some(wait) = error.wait() {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            answer.headers.insert(header::RETRY_AFTER, value);
        }
    }
    if error.is_encoded() {
        let only = HeaderValue::from_static("identity");
        answer.headers.insert(header::ACCEPT_ENCODING, only);
    }
    if let Some(challenge) = challenge(error) {
        answer.headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// An error outside of the pipeline, for a request that nobody could read: its id, its headers and its body.
pub fn unrouted(error: &ApiError, over_tls: bool) -> (String, HeaderMap, Bytes) {
    let mut answer = self::error(error, Envelope::Standard);
    let request_id = inbound::request_id(&HeaderMap::new());
    headers::decorate(&mut answer.headers, &request_id);
    if over_tls {
        headers::keep_to_tls(&mut answer.headers);
    }
    (request_id, answer.headers, answer.body.unwrap_or_default())
}

fn standard(error: &ApiError) -> Value {
    let mut body = json!({
        "code": error.code().as_str(),
        "message": error.public_message(),
    });
    if !error.details().is_empty() {
        body["details"] = Value::Object(error.details().clone());
    }
    body
}

fn oauth(error: &ApiError) -> Value {
    json!({
        "error": oauth_error(error.code()),
        "error_description": description(error.public_message()),
        "code": error.code().as_str(),
    })
}

/// RFC 6749 section 5.2 and RFC 6750 section 3.1 have few words for many codes.
fn oauth_error(code: Code) -> &'static str {
    match code {
        code if code.is_oauth() => code.as_str(),
        Code::Unauthorized => "invalid_token",
        Code::InsufficientScope => "insufficient_scope",
        Code::Forbidden => "access_denied",
        code => match code.status() {
            429 | 503 => "temporarily_unavailable",
            500.. => "server_error",
            _ => "invalid_request",
        },
    }
}

/// RFC 6749 allows neither quotation marks nor anything outside of ASCII there.
fn description(message: &str) -> String {
    message
        .chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

/// Every 401 says how to do better (RFC 6750 section 3, RFC 6749 section 5.2); a missing scope
/// says so in the same way.
fn challenge(error: &ApiError) -> Option<HeaderValue> {
    let text = match error.code() {
        Code::InvalidClient => "Basic realm=\"agentidp\", charset=\"UTF-8\"".to_owned(),
        Code::Unauthorized if error.is_without_token() => "Bearer realm=\"agentidp\"".to_owned(),
        Code::InsufficientScope => {
            format!(
                "Bearer realm=\"agentidp\", error=\"insufficient_scope\", scope=\"{}\"",
                needed(error)
            )
        }
        code if code.status() == 401 => {
            "Bearer realm=\"agentidp\", error=\"invalid_token\"".to_owned()
        }
        _ => return None,
    };
    HeaderValue::from_str(&text).ok()
}

fn needed(error: &ApiError) -> String {
    error
        .details()
        .get("requiredScopes")
        .and_then(Value::as_array)
        .map(|scopes| {
            scopes
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .unwrap_or_default()
}

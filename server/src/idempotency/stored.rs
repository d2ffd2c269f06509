//! An answer as the store gets it: as bytes, encrypted, because it may show a secret.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{error::ApiError, http::Answer, secrets::Secrets};

/// What answers are encrypted for.
const CONTEXT: &str = "idempotency";

#[derive(Serialize, Deserialize)]
struct Stored {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<String>,
    guard: Option<(Uuid, Uuid)>,
}

/// For the store.
pub fn seal(secrets: &Secrets, answer: &Answer) -> Result<Vec<u8>, ApiError> {
    let plain = write(answer)?;
    let sealed = secrets.encrypt(CONTEXT, &plain);
    sealed.map_err(ApiError::internal)
}

/// From the store.
pub fn open(secrets: &Secrets, sealed: &[u8]) -> Result<Answer, ApiError> {
    let plain = secrets.decrypt(CONTEXT, sealed);
    read(&plain.map_err(ApiError::internal)?)
}

fn write(answer: &Answer) -> Result<Vec<u8>, ApiError> {
    let stored = Stored {
        status: answer.status.as_u16(),
        headers: answer
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: answer.body.as_ref().map(|body| STANDARD.encode(body)),
        guard: answer.guard,
    };
    serde_json::to_vec(&stored).map_err(ApiError::internal)
}

fn read(plain: &[u8]) -> Result<Answer, ApiError> {
    let stored: Stored = serde_json::from_slice(plain).map_err(ApiError::internal)?;
    let mut headers = HeaderMap::new();
    for (name, value) in stored.headers {
        headers.insert(
            HeaderName::try_from(name).map_err(ApiError::internal)?,
            HeaderValue::try_from(value).map_err(ApiError::internal)?,
        );
    }
    Ok(Answer {
        status: StatusCode::from_u16(stored.status).map_err(ApiError::internal)?,
        headers,
        body: stored
            .body
            .map(|body| STANDARD.decode(body).map(Into::into))
            .transpose()
            .map_err(ApiError::internal)?,
        guard: stored.guard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_survives_the_store() {
        let mut answer = Answer::new(StatusCode::CREATED, Some(b"{\"a\":1}".as_slice().into()))
            .replay_guard(Uuid::nil(), Uuid::max());
        answer = answer.header("location", "/x").unwrap();
        let again = read(&write(&answer).unwrap()).unwrap();
        assert_eq!(again.status, answer.status);
        assert_eq!(again.headers, answer.headers);
        assert_eq!(again.body, answer.body);
        assert_eq!(again.guard, answer.guard);
    }
}

//! A handler's answer, before it is written.

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::{answer::Answer, facts::Facts};
use crate::error::ApiError;

/// A value for the caller. The status is the operation's usual one unless another is set.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    body: T,
    status: Option<u16>,
    headers: Vec<(&'static str, String)>,
    replay_guard: Option<(Uuid, Uuid)>,
}

impl<T> Reply<T> {
    /// That value.
    pub fn new(body: T) -> Self {
        Self {
            body,
            status: None,
            headers: Vec::new(),
            replay_guard: None,
        }
    }

    /// Another status that the contract has for this operation.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// One more header; the name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer shows the secret of this agent's credential: it is replayed only while that is active.
    #[must_use]
    pub fn replay_guard(mut self, agent_id: Uuid, credential_id: Uuid) -> Self {
        self.replay_guard = Some((agent_id, credential_id));
        self
    }

    /// The value.
    pub fn body(&self) -> &T {
        &self.body
    }
}

impl Reply<()> {
    /// No body.
    pub fn empty() -> Self {
        Self::new(())
    }

    /// Written without a body.
    pub fn into_empty_answer(self, facts: &Facts) -> Result<Answer, ApiError> {
        self.answer(facts, None)
    }
}

impl<T: Serialize> Reply<T> {
    /// Written as JSON.
    pub fn into_answer(self, facts: &Facts) -> Result<Answer, ApiError> {
        let body = serde_json::to_vec(&self.body).map_err(ApiError::internal)?;
        self.answer(facts, Some(body.into()))
    }

    /// As the operation's route writes it: no answer of the contract is `null`, so what is written so is the empty one.
    pub fn into_any_answer(self, facts: &Facts) -> Result<Answer, ApiError> {
        let body = serde_json::to_vec(&self.body).map_err(ApiError::internal)?;
        let body = (body != b"null").then(|| body.into());
        self.answer(facts, body)
    }
}

impl<T> Reply<T> {
    fn answer(self, facts: &Facts, body: Option<Bytes>) -> Result<Answer, ApiError> {
        let status = StatusCode::from_u16(self.status.unwrap_or(facts.success))
            .map_err(ApiError::internal)?;
        let mut answer = Answer::new(status, body);
        for (name, value) in self.headers {
            answer = answer.header(name, &value)?;
        }
        if let Some((agent, credential)) = self.replay_guard {
            answer = answer.replay_guard(agent, credential);
        }
        Ok(answer)
    }
}

impl<T> From<T> for Reply<T> {
    fn from(body: T) -> Self {
        Self::new(body)
    }
}

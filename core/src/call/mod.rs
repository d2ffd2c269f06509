//! One call: what a service method returns, to be awaited.
//!
//! Owns: [`Call`], its options, [`Raw`], decoding.
//! Refuses: starting anything before it is awaited.

pub(crate) mod engine;
mod raw;
pub(crate) mod request;

use std::{
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::raw::Raw;
pub(crate) use self::raw::headers;
use self::{
    engine::{Answered, execute},
    request::{Options, Payload, Request},
};
use crate::{
    AgentIdPClient, Error,
    client::Core,
    error::answer::undecodable,
    operation::{BodyKind, Operation},
    wire::FromBody,
};

/// A call that is made when it is awaited. Dropping the future stops the request on the wire.
///
/// ```no_run
/// # async fn f(client: sentryagent_idp::AgentIdPClient) -> Result<(), sentryagent_idp::Error> {
/// use std::time::Duration;
/// let agent = client.agents().get_agent("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11")
///     .timeout(Duration::from_secs(5))
///     .retries(0)
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "a call is only made when it is awaited"]
pub struct Call<T> {
    pub(crate) core: Arc<Core>,
    pub(crate) request: Request,
    pub(crate) options: Options,
    /// An argument that could not be written; told when the call is awaited.
    fault: Option<Error>,
    answer: PhantomData<fn() -> T>,
}

impl<T: FromBody> Call<T> {
    pub(crate) fn new(client: &AgentIdPClient, operation: &'static Operation) -> Self {
        Self {
            core: client.core().clone(),
            request: Request::new(operation),
            options: Options::default(),
            fault: None,
            answer: PhantomData,
        }
    }

    pub(crate) fn path(mut self, value: impl Into<String>) -> Self {
        self.request.path.push(value.into());
        self
    }

    #[allow(dead_code)] // a contract may have no query
    pub(crate) fn query(mut self, params: &impl Serialize) -> Self {
        match fields(params) {
            Ok(query) => self.request.query = query,
            Err(error) => self.fault = Some(Error::argument("query", &error.to_string())),
        }
        self
    }

    pub(crate) fn body(mut self, model: &impl Serialize) -> Self {
        let plain = self
            .request
            .operation
            .body
            .as_ref()
            .is_some_and(|b| b.kind == BodyKind::Json && b.defaults.is_empty());
        let written = if plain {
            serde_json::to_vec(model).map(Payload::Json)
        } else {
            fields(model).map(Payload::Fields)
        };
        match written {
            Ok(body) => self.request.body = body,
            Err(error) => self.fault = Some(Error::argument("body", &error.to_string())),
        }
        self
    }

    /// What this call may take in all - tries and waits included - instead of the client's 30 s; at most
    /// 24 hours.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// What making a connection for this call may take, instead of the client's 5 s; at most 24 hours.
    /// A connection that is kept alive needs none.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = Some(timeout);
        self
    }

    /// How often this call may be repeated, 0 to 10, instead of the client's 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// One more header. Those that the SDK sets itself are refused, but for `Authorization`: with
    /// one of its own the call uses no token of the client.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// The `Idempotency-Key` (1-255 visible ASCII characters) instead of one of the SDK's making.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.idempotency_key = Some(key.into());
        self
    }

    /// The `X-Request-Id` (1-128 characters `A-Za-z0-9._-`) that the server keeps for this call.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.options.request_id = Some(id.into());
        self
    }

    /// Makes the call and gives the answer's status, headers and request id beside its value.
    ///
    /// # Errors
    /// As the call itself.
    pub async fn raw(self) -> Result<Raw<T>, Error> {
        let answered = self.answered().await?;
        let value = decode(&answered)?;
        Ok(Raw::new(value, &answered))
    }

    pub(crate) async fn answered(&self) -> Result<Answered, Error> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let traced = self.core.traced(&self.options);
        let options = traced.as_ref().unwrap_or(&self.options);
        execute(&self.core, &self.request, options).await
    }
}

impl<T: FromBody> IntoFuture for Call<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { decode(&self.answered().await?) })
    }
}

/// Decodes an answer; the error knows which answer it was.
pub(crate) fn decode<T: FromBody>(answered: &Answered) -> Result<T, Error> {
    if let Some(nothing) = T::from_nothing() {
        return Ok(nothing);
    }
    serde_json::from_slice(&answered.body).map_err(|e| describe(answered, &e))
}

/// The decoding error of an answer.
pub(crate) fn describe(answered: &Answered, reason: &serde_json::Error) -> Error {
    answered.blame(undecodable(answered.operation, reason))
}

fn fields(model: &impl Serialize) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::to_value(model)? {
        Value::Object(map) => Ok(map),
        _ => Err(serde::ser::Error::custom("is no object")),
    }
}

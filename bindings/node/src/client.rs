//! A configured client.

use napi_derive::napi;
use sentryagent_idp::{Error, bridge::BridgeClient};

use crate::{clock::Clock, text::Text};

/// A client of the core; garbage collection drops it.
#[napi]
pub struct Client {
    inner: BridgeClient,
}

#[napi]
impl Client {
    /// `config` is JSON. An error's message is an error record.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: String, clock: Option<&Clock>) -> napi::Result<Self> {
        BridgeClient::from_json_with(config.as_bytes(), clock.map(Clock::bridge))
            .map(|inner| Self { inner })
            .map_err(|error| record(&error))
    }

    /// The number that log records name it by.
    #[napi(catch_unwind)]
    pub fn id(&self) -> i64 {
        self.inner.id().cast_signed()
    }

    /// A token that may still be sent, without entering the runtime.
    #[napi(catch_unwind)]
    pub fn cached_token(&self) -> Option<Text> {
        self.inner.cached_token().map(Text)
    }

    /// Forgets the cached token.
    #[napi(catch_unwind)]
    pub fn clear_token_cache(&self) {
        self.inner.clear_token_cache();
    }

    /// JSON: where each setting came from, secrets masked.
    #[napi(catch_unwind)]
    pub fn explain_configuration(&self) -> String {
        self.inner.explain_configuration().to_string()
    }

    /// Later calls fail with `CLIENT_CLOSED`.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.close();
    }

    /// For [`crate::channel`] and [`crate::verifier`].
    pub(crate) fn bridge(&self) -> &BridgeClient {
        &self.inner
    }
}

/// An error whose message is the error record: the facade makes the class.
pub fn record(error: &Error) -> napi::Error {
    napi::Error::from_reason(error.to_json().to_string())
}

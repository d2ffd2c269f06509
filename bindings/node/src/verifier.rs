//! Checks without a call of the API: tokens, webhooks, the chain of audit events.

use std::time::{Duration, SystemTime};

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sentryagent_idp::bridge::{self, BridgeVerifier};

use crate::{
    client::{Client, record},
    clock::Clock,
    text::Text,
};

/// A verifier of tokens, with its cache of keys.
#[napi]
pub struct Verifier {
    inner: BridgeVerifier,
}

#[napi]
impl Verifier {
    /// `config` is JSON. An error's message is an error record.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        config: String,
        clock: Option<&Clock>,
        client: Option<&Client>,
    ) -> napi::Result<Self> {
        let (clock, client) = (clock.map(Clock::bridge), client.map(Client::bridge));
        BridgeVerifier::from_json(config.as_bytes(), clock, client)
            .map(|inner| Self { inner })
            .map_err(|error| record(&error))
    }

    /// What the token says, as JSON; null when the network must be asked first.
    #[napi(catch_unwind)]
    pub fn verify_now(&self, token: String, scopes: Vec<String>) -> napi::Result<Option<Text>> {
        match self.inner.verify_now(&token, &scopes) {
            None => Ok(None),
            Some(Ok(json)) => Ok(Some(text(json))),
            Some(Err(error)) => Err(record(&error)),
        }
    }

    /// Standard Webhooks; `headers` is JSON: a list of pairs. Fails with an error record.
    #[napi(catch_unwind)]
    pub fn webhook(
        payload: Uint8Array,
        headers: String,
        secrets: Vec<String>,
        tolerance_ms: f64,
        now_ms: Option<f64>,
    ) -> napi::Result<()> {
        let headers: Vec<(String, String)> = serde_json::from_str(&headers)
            .map_err(|_| napi::Error::from_reason("headers are no list of pairs"))?;
        let tolerance = milliseconds(tolerance_ms);
        let now = now_ms.map(|ms| SystemTime::UNIX_EPOCH + milliseconds(ms));
        bridge::verify_webhook(&payload, &headers, &secrets, tolerance, now)
            .map_err(|error| record(&error))
    }

    /// `events` is a JSON list; so is the verdict JSON. Fails with an error record.
    #[napi(catch_unwind)]
    pub fn audit_events(events: String) -> napi::Result<Text> {
        bridge::verify_audit_events(events.as_bytes())
            .map(text)
            .map_err(|error| record(&error))
    }

    /// For [`crate::channel`].
    pub(crate) fn bridge(&self) -> &BridgeVerifier {
        &self.inner
    }
}

/// What is negative or no number is none at all.
fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

fn text(json: Vec<u8>) -> Text {
    Text(String::from_utf8(json).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into()))
}

//! Local verification as bindings hold it: configured by JSON, usable after a `fork`.
//!
//! Owns: [`BridgeVerifier`] and the two pure functions in the form that crosses into other languages.
//! Refuses: any rule of verification; those are in [`crate::verify`], `webhook` and `audit_chain`.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{BridgeClient, BridgeClock, Channel};
use crate::Error;

/// Checks access tokens. Cheap to clone; clones are one verifier. In a forked child it has connections
/// and a key cache of its own.
#[derive(Clone)]
pub struct BridgeVerifier(());

impl BridgeVerifier {
    /// A verifier of this configuration. JSON keys: `issuer` and `audience` (a string or a list) are
    /// required; optional are `leewayMs` (60000), `requiredScopes[]`, `jwksUri` (default: what the
    /// issuer's discovery document says), `timeoutMs`, `connectTimeoutMs`, `allowInsecureHttp`,
    /// `caBundle`, `proxy`, `clientCertificate`, `clientKey`, `language`, `runtime`. With a client,
    /// each token that holds is also introspected through it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names what is missing, wrong or unknown.
    pub fn from_json(
        config: &[u8],
        clock: Option<&BridgeClock>,
        client: Option<&BridgeClient>,
    ) -> Result<Self, Error> {
        let _ = (config, clock, client);
        Ok(Self(()))
    }

    /// The outcome, when it can be told at once on this thread: no task, no queue, no runtime. `None`
    /// when a key has to be fetched or the token introspected: use [`Channel::start_verify`].
    #[must_use]
    pub fn verify_now(
        &self,
        token: &str,
        required_scopes: &[String],
    ) -> Option<Result<Vec<u8>, Error>> {
        let _ = (self.0, token, required_scopes);
        None
    }
}

impl Channel {
    /// Checks a token; the completion's body is the verified token as JSON.
    pub fn start_verify(
        self: &Arc<Self>,
        verifier: &BridgeVerifier,
        id: u64,
        token: &str,
        required_scopes: &[String],
    ) {
        let _ = (verifier, token, required_scopes);
        self.finish(
            id,
            Err(Error::configuration("verification is not there yet")),
            true,
        );
    }
}

/// Checks a webhook's signature and time (Standard Webhooks v1). Any of the secrets may have signed it;
/// `now` is the present when it is not given.
///
/// # Errors
/// `INVALID_WEBHOOK` with `details.reason` header, timestamp or signature.
pub fn verify_webhook(
    payload: &[u8],
    headers: &[(String, String)],
    secrets: &[String],
    tolerance: Duration,
    now: Option<SystemTime>,
) -> Result<(), Error> {
    let _ = (payload, headers, secrets, tolerance, now);
    Err(Error::configuration("verification is not there yet"))
}

/// Checks a chain of audit events: a JSON array of one organization's events without gaps, in any order.
/// Answers `{"verified", "checkedCount", "brokenAtEventId"}`.
///
/// # Errors
/// `VALIDATION_ERROR` when the input is no such array.
pub fn verify_audit_events(events: &[u8]) -> Result<Vec<u8>, Error> {
    let _ = events;
    Err(Error::configuration("verification is not there yet"))
}

//! Local verification as bindings hold it: configured by JSON, usable after a `fork`.
//!
//! Owns: [`BridgeVerifier`] and the two pure functions in the form that crosses into other languages.
//! Refuses: any rule of verification; those are in `verify`, `webhook` and `audit_chain`.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, BridgeClient, BridgeClock, Channel, config};
use crate::{
    Error, TokenVerifier, WebhookVerifier,
    audit_chain::verify_json,
    clock::{Clock, SystemClock},
    config::NetworkArguments,
    process::{PerProcess, watch_forks},
    verify::{Arguments, Settings},
};

/// Checks access tokens. Cheap to clone; clones are one verifier. In a forked child it has connections
/// and a key cache of its own.
#[derive(Clone)]
pub struct BridgeVerifier(Arc<Shared>);

struct Shared {
    settings: Settings,
    clock: Arc<dyn Clock>,
    client: Option<BridgeClient>,
    inner: PerProcess<TokenVerifier>,
}

impl BridgeVerifier {
    /// A verifier of this configuration. JSON keys: `issuer` and `audience` (a string or a list) are
    /// required; optional are `leewayMs` (60000), `requiredScopes[]`, `jwksUri` (default: what the
    /// issuer's discovery document says), `timeoutMs` (10000), `connectTimeoutMs` (5000),
    /// `allowInsecureHttp`, `caBundle`, `proxy`, `clientCertificate`, `clientKey`, `language`, `runtime`.
    /// With a client, each token that holds is also introspected through it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names what is missing, wrong or unknown.
    pub fn from_json(
        config: &[u8],
        clock: Option<&BridgeClock>,
        client: Option<&BridgeClient>,
    ) -> Result<Self, Error> {
        watch_forks();
        Ok(Self(Arc::new(Shared {
            settings: Settings::check(read(config)?)?,
            clock: clock.map_or_else(|| Arc::new(SystemClock) as _, BridgeClock::shared),
            client: client.cloned(),
            inner: PerProcess::new(),
        })))
    }

    /// The outcome, when it can be told at once on this thread: no task, no queue, no runtime. `None`
    /// when a key has to be fetched or the token introspected: use [`Channel::start_verify`].
    #[must_use]
    pub fn verify_now(
        &self,
        token: &str,
        required_scopes: &[String],
    ) -> Option<Result<Vec<u8>, Error>> {
        let outcome = match self.verifier() {
            Ok(verifier) => verifier.verify_now(token, required_scopes)?,
            Err(error) => Err(error),
        };
        Some(outcome.and_then(|verified| json(&verified)))
    }

    fn verifier(&self) -> Result<&TokenVerifier, Error> {
        // A closed client says so here, before any verdict.
        let client = match &self.0.client {
            Some(client) => Some(client.core()?.clone()),
            None => None,
        };
        let make = || {
            self.0
                .settings
                .clone()
                .assemble(self.0.clock.clone(), client)
        };
        Ok(self.0.inner.get_or_init(make))
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
        let verifier = match verifier.verifier() {
            Ok(verifier) => verifier.clone(),
            Err(error) => return self.finish(id, Err(error), true),
        };
        let (token, scopes) = (token.to_owned(), required_scopes.to_vec());
        self.spawn(id, async move {
            let verified = verifier.verify_scopes(&token, &scopes).await?;
            Ok(Answer {
                operation: None,
                status: 200,
                headers: Vec::new(),
                body: json(&verified)?.into(),
                typed: None,
                request_id: None,
                retry_count: 0,
            })
        });
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
    let verifier = WebhookVerifier::new(secrets)?.tolerance(tolerance);
    let verifier = match now {
        Some(now) => verifier.at(now),
        None => verifier,
    };
    verifier.verify(
        payload,
        headers.iter().map(|(n, v)| (n.as_str(), v.as_str())),
    )
}

/// Checks a chain of audit events: a JSON array of one organization's events without gaps, in any order.
/// Answers `{"verified", "checkedCount", "brokenAtEventId"}`.
///
/// # Errors
/// `VALIDATION_ERROR` when the input is no such array.
pub fn verify_audit_events(events: &[u8]) -> Result<Vec<u8>, Error> {
    json(&verify_json(events)?)
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|e| Error::decoding(format!("the result cannot be written: {e}")))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Given {
    issuer: Option<String>,
    audience: Option<Audience>,
    leeway_ms: Option<f64>,
    required_scopes: Option<Vec<String>>,
    jwks_uri: Option<String>,
    timeout_ms: Option<f64>,
    connect_timeout_ms: Option<f64>,
    allow_insecure_http: Option<bool>,
    ca_bundle: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    // Any type, so that a wrong one is not repeated in the error: it may hold a password.
    proxy: Option<Value>,
    language: Option<String>,
    runtime: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Any(Vec<String>),
}

fn read(json: &[u8]) -> Result<Arguments, Error> {
    let given: Given = serde_json::from_slice(json).map_err(|e| config::unreadable(json, &e))?;
    let path = |text: Option<String>| text.filter(|path| !path.is_empty()).map(PathBuf::from);
    let time = |key, ms: Option<f64>| ms.map(|ms| config::milliseconds(key, ms)).transpose();
    Ok(Arguments {
        issuer: given.issuer.unwrap_or_default(),
        audiences: match given.audience {
            Some(Audience::One(one)) => vec![one],
            Some(Audience::Any(list)) => list,
            None => Vec::new(),
        },
        leeway: given.leeway_ms.map(leeway).transpose()?,
        scopes: given.required_scopes.unwrap_or_default(),
        algorithms: None,
        jwks_uri: given.jwks_uri.filter(|uri| !uri.is_empty()),
        timeout: time("timeoutMs", given.timeout_ms)?,
        allow_insecure_http: given.allow_insecure_http.unwrap_or_default(),
        network: NetworkArguments {
            connect_timeout: time("connectTimeoutMs", given.connect_timeout_ms)?,
            ca_bundle: path(given.ca_bundle),
            client_certificate: path(given.client_certificate),
            client_key: path(given.client_key),
            proxy: config::secret("proxy", given.proxy)?.filter(|p| !p.expose_secret().is_empty()),
            host: given
                .language
                .map(|language| (language, given.runtime.unwrap_or_default())),
            ..NetworkArguments::default()
        },
    })
}

/// Unlike other times it may be zero.
fn leeway(ms: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(ms / 1000.0).map_err(|_| {
        Error::configuration("leewayMs must be a number of milliseconds, zero or more")
    })
}

//! The HTTP side of KV version 2 and of the token, of HashiCorp Vault or OpenBao.
//!
//! Owns: paths, the shape of requests and answers, how long a call may take and how many run at
//! once. After an unanswered call the next second's calls fail at once, so that a Vault which is
//! gone costs its callers next to nothing. Refuses: what is stored (`keeper`), when the token is renewed (`renewal`), and following a
//! redirect, which would carry the token elsewhere.

use std::{
    fmt,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use reqwest::{Method, StatusCode, Url, header::HeaderValue};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::{VaultError, renewal::Lease};
use crate::{config::Vault as Settings, outbound, telemetry};

const TOKEN_HEADER: &str = "x-vault-token";
const LOOKUP_SELF: &str = "auth/token/lookup-self";
const RENEW_SELF: &str = "auth/token/renew-self";
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// Waiting for a place included.
const CALL_TIME_MAX: Duration = Duration::from_secs(2);
/// How long nothing is sent after a call without an answer.
const REST: Duration = Duration::from_secs(1);
const AT_ONCE_MAX: usize = 64;
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The newest version of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1; 0 when there never was one, or all were destroyed.
    pub version: u64,
    /// `None` when there is none, or its newest version was deleted.
    pub data: Option<Map<String, Value>>,
}

/// Speaks to one Vault.
pub struct Client {
    http: reqwest::Client,
    /// With `/v1/` at its end.
    base: String,
    /// For traces.
    host: String,
    port: u16,
    token: HeaderValue,
    places: Semaphore,
    rests_until: Mutex<Option<Instant>>,
}

impl Client {
    /// Sends nothing yet.
    pub fn new(settings: &Settings) -> Result<Self, VaultError> {
        let unusable = |error: &dyn fmt::Display| VaultError::Unusable(error.to_string());
        let mut token = HeaderValue::from_str(settings.token.expose())
            .map_err(|_| unusable(&"the token is no header value"))?;
        token.set_sensitive(true);
        let url = Url::parse(&settings.address).map_err(|e| unusable(&e))?;
        Ok(Self {
            http: outbound::client(CONNECT_TIME_MAX, CALL_TIME_MAX).map_err(|e| unusable(&e))?,
            base: format!("{}/v1/", settings.address),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            token,
            places: Semaphore::new(AT_ONCE_MAX),
            rests_until: Mutex::new(None),
        })
    }

    /// The newest version of an entry; `path` is `<mount>/data/<path>`.
    pub async fn read(&self, path: &str) -> Result<Entry, VaultError> {
        let (status, body) = self.call("vault.read", Method::GET, path, None).await?;
        match status {
            200 => entry(&body, status),
            // Nothing there: no `data` at all, or only what is left to say of a deleted version.
            404 if body.get("data").is_some() => entry(&body, status),
            // A path that no mount serves says so; that is no answer about the entry.
            404 if says_nothing(&body) => Ok(Entry::default()),
            _ => Err(fault(status, &body, "reading", path)),
        }
    }

    /// Adds a version, if the newest one is `after` (0: if there is none). Answers its number.
    pub async fn write(&self, path: &str, data: Value, after: u64) -> Result<u64, VaultError> {
        let body = json!({ "options": { "cas": after }, "data": data });
        let (status, body) = self
            .call("vault.write", Method::POST, path, Some(body))
            .await?;
        match status {
            200 => body["data"]["version"]
                .as_u64()
                .ok_or(VaultError::Unexpected(status)),
            400 if says(&body, "check-and-set") => Err(VaultError::Conflict),
            _ => Err(fault(status, &body, "writing", path)),
        }
    }

    /// Deletes an entry with all its versions; `path` is `<mount>/metadata/<path>`. One that is not
    /// there is deleted already; where there is no mount, nobody knows.
    pub async fn delete(&self, path: &str) -> Result<(), VaultError> {
        let (status, body) = self
            .call("vault.delete", Method::DELETE, path, None)
            .await?;
        match status {
            200 | 204 => Ok(()),
            404 if says_nothing(&body) => Ok(()),
            _ => Err(fault(status, &body, "deleting", path)),
        }
    }

    /// Whether it serves requests: unsealed, and active or a standby that passes them on.
    pub async fn check(&self) -> Result<(), VaultError> {
        let path = "sys/health?standbyok=true&perfstandbyok=true";
        match self.send("vault.health", Method::GET, path, None).await?.0 {
            200 => Ok(()),
            status => Err(VaultError::Unavailable(status)),
        }
    }

    /// How long the token lives. Beside the requests: whether they rest has nothing to do with it.
    pub(super) async fn token_lease(&self) -> Result<Lease, VaultError> {
        let (status, body) = self
            .send("vault.lookup-self", Method::GET, LOOKUP_SELF, None)
            .await?;
        let data = &body["data"];
        match (status, data["ttl"].as_u64()) {
            (200, Some(ttl)) => Ok(Lease {
                // One without an end has no time to live, and no time at which it ends.
                left: (ttl > 0 || !data["expire_time"].is_null()).then(|| Duration::from_secs(ttl)),
                renewable: data["renewable"] == true,
            }),
            (200, None) => Err(VaultError::Unexpected(status)),
            _ => Err(fault(status, &body, "reading", LOOKUP_SELF)),
        }
    }

    /// Lets the token live for as long as it did at its beginning, or as Vault still allows.
    pub(super) async fn renew_token(&self) -> Result<Lease, VaultError> {
        let sent = self.send(
            "vault.renew-self",
            Method::POST,
            RENEW_SELF,
            Some(json!({})),
        );
        let (status, body) = sent.await?;
        let auth = &body["auth"];
        match (status, auth["lease_duration"].as_u64()) {
            (200, Some(seconds)) => Ok(Lease {
                left: Some(Duration::from_secs(seconds)),
                renewable: auth["renewable"] == true,
            }),
            (200, None) => Err(VaultError::Unexpected(status)),
            _ => Err(fault(status, &body, "writing", RENEW_SELF)),
        }
    }

    async fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), VaultError> {
        if self
            .rests_until
            .lock()
            .is_some_and(|end| Instant::now() < end)
        {
            return Err(VaultError::Resting);
        }
        let answer = self.send(operation, method, path, body).await;
        *self.rests_until.lock() = match answer {
            Err(VaultError::Unreachable(_)) => Some(Instant::now() + REST),
            _ => None,
        };
        answer
    }

    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), VaultError> {
        let span = telemetry::vault(operation, method.as_str(), &self.host, self.port);
        let exchange = async {
            let _place = self.places.acquire().await.map_err(unreachable)?;
            let url = format!("{}{path}", self.base);
            let mut request = self.http.request(method, url);
            request = request.header(TOKEN_HEADER, self.token.clone());
            if let Some(body) = body {
                request = request.json(&body);
            }
            let mut answer = request.send().await.map_err(lost)?;
            let status = answer.status();
            let mut text = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(lost)? {
                if text.len() + part.len() > ANSWER_BYTES_MAX {
                    return Err(VaultError::Unexpected(status.as_u16()));
                }
                text.extend_from_slice(&part);
            }
            Ok((status.as_u16(), json_of(status, &text)?))
        };
        let exchange = tokio::time::timeout(CALL_TIME_MAX, exchange);
        let answer = match exchange.instrument(span.clone()).await {
            Ok(answer) => answer,
            Err(late) => Err(unreachable(late)),
        };
        match &answer {
            Ok((status, _)) => telemetry::vault_answered(&span, *status),
            Err(_) => telemetry::failed(&span),
        }
        answer
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// A success has to be JSON; what stands before Vault may say a failure in its own words.
fn json_of(status: StatusCode, text: &[u8]) -> Result<Value, VaultError> {
    match serde_json::from_slice(text) {
        Ok(body) => Ok(body),
        Err(_) if text.is_empty() || !status.is_success() => Ok(Value::Null),
        Err(_) => Err(VaultError::Unexpected(status.as_u16())),
    }
}

fn entry(body: &Value, status: u16) -> Result<Entry, VaultError> {
    let version = body["data"]["metadata"]["version"].as_u64();
    Ok(Entry {
        version: version.ok_or(VaultError::Unexpected(status))?,
        data: body["data"]["data"].as_object().cloned(),
    })
}

fn fault(status: u16, body: &Value, doing: &str, path: &str) -> VaultError {
    match status {
        403 => VaultError::Denied(format!("{doing} {path}")),
        429 | 472 | 473 | 500..=599 => VaultError::Unavailable(status),
        _ => {
            tracing::warn!(status, errors = %body["errors"], path, "an unexpected answer of Vault");
            VaultError::Unexpected(status)
        }
    }
}

/// What KV version 2 answers about an entry that is not there. A missing mount, or what stands before Vault, says something.
fn says_nothing(body: &Value) -> bool {
    body["errors"].as_array().is_some_and(Vec::is_empty)
}

fn says(body: &Value, words: &str) -> bool {
    let errors = body["errors"].as_array().into_iter().flatten();
    errors
        .filter_map(Value::as_str)
        .any(|error| error.contains(words))
}

fn unreachable(error: impl fmt::Display) -> VaultError {
    VaultError::Unreachable(error.to_string())
}

/// The innermost cause says most; the URL is known.
fn lost(error: reqwest::Error) -> VaultError {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    unreachable(cause)
}

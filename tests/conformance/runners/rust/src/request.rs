//! The requests of the host, as they come over standard input.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use sentryagent_idp::{
    AgentIdPClient, Error, TokenVerifier, WebhookVerifier, clock::ManualClock, models::AuditEvent,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    args::{Args, Fault},
    shown,
};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Request {
    Client(Box<NewClient>),
    Call(Called),
    Raw(Called),
    Pages(Called),
    Burst(Called),
    Cancel {
        call: u64,
    },
    Token {
        client: String,
    },
    ClearTokenCache {
        client: String,
    },
    Close {
        client: String,
    },
    Explain {
        client: String,
    },
    Clock(Moved),
    #[serde(rename_all = "camelCase")]
    Sleeping {
        clock: String,
        at_most_ms: f64,
    },
    Verifier(Box<NewVerifier>),
    #[serde(rename_all = "camelCase")]
    Verify {
        verifier: String,
        token: String,
        #[serde(default)]
        required_scopes: Vec<String>,
    },
    Webhook(Webhook),
    AuditChain {
        events: Vec<AuditEvent>,
    },
    Show {
        client: Option<String>,
    },
    Logs,
    Exit,
}

/// An operation that is called once, raw, page by page or many times.
#[derive(Deserialize)]
pub struct Called {
    pub client: String,
    pub operation: String,
    #[serde(default)]
    pub args: Args,
    /// Of pages: the most items.
    #[serde(default)]
    pub limit: usize,
    /// Of a burst: how many in all, and at once.
    #[serde(default)]
    pub count: usize,
    pub concurrency: Option<usize>,
}

#[derive(Deserialize)]
pub struct NewClient {
    pub client: String,
    pub config: Config,
    pub clock: Option<String>,
    pub traceparent: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    pub clock: String,
    pub advance_ms: Option<f64>,
    pub jump_wall_ms: Option<f64>,
    pub random: Option<f64>,
}

#[derive(Deserialize)]
pub struct NewVerifier {
    pub verifier: String,
    pub config: VerifierConfig,
    pub clock: Option<String>,
    pub client: Option<String>,
}

/// Sets what was given: `given!(builder, self: base_url, client_id)`.
macro_rules! given {
    ($builder:ident, $from:expr, $($name:ident),*) => {
        $(if let Some(value) = $from.$name {
            $builder = $builder.$name(value);
        })*
    };
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    base_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scopes: Option<Vec<String>>,
    timeout_ms: Option<f64>,
    connect_timeout_ms: Option<f64>,
    retries: Option<u32>,
    headers: BTreeMap<String, String>,
    allow_insecure_http: Option<bool>,
    ca_bundle: Option<String>,
    client_certificate: Option<PathBuf>,
    client_key: Option<PathBuf>,
    proxy: Option<String>,
}

impl Config {
    pub fn build(
        self,
        clock: Option<ManualClock>,
        traceparent: Option<String>,
    ) -> Result<AgentIdPClient, Error> {
        let mut builder = AgentIdPClient::builder();
        given!(
            builder,
            self,
            base_url,
            client_id,
            client_secret,
            scopes,
            retries,
            allow_insecure_http,
            ca_bundle,
            proxy
        );
        if let Some(ms) = self.timeout_ms {
            builder = builder.timeout(duration(ms));
        }
        if let Some(ms) = self.connect_timeout_ms {
            builder = builder.connect_timeout(duration(ms));
        }
        if self.client_certificate.is_some() || self.client_key.is_some() {
            // An empty path is none: the two go together in Rust.
            let (certificate, key) = (self.client_certificate, self.client_key);
            builder = builder
                .client_certificate(certificate.unwrap_or_default(), key.unwrap_or_default());
        }
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        if let Some(clock) = clock {
            builder = builder.clock(clock);
        }
        if let Some(parent) = traceparent {
            builder = builder.traceparent(move || Some(parent.clone()));
        }
        shown::thing("client builder", &builder);
        builder.build()
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifierConfig {
    issuer: String,
    audience: Value,
    leeway_ms: Option<f64>,
    required_scopes: Option<Vec<String>>,
    jwks_uri: Option<String>,
    timeout_ms: Option<f64>,
    connect_timeout_ms: Option<f64>,
    allow_insecure_http: Option<bool>,
    ca_bundle: Option<String>,
    client_certificate: Option<PathBuf>,
    client_key: Option<PathBuf>,
    proxy: Option<String>,
}

impl VerifierConfig {
    pub fn build(
        self,
        clock: Option<ManualClock>,
        client: Option<&AgentIdPClient>,
    ) -> Result<TokenVerifier, Error> {
        let audiences: Vec<String> = match self.audience {
            Value::Array(list) => list
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Value::String(one) => vec![one],
            _ => Vec::new(),
        };
        let mut audiences = audiences.into_iter();
        let mut builder = TokenVerifier::builder(self.issuer, audiences.next().unwrap_or_default());
        for audience in audiences {
            builder = builder.audience(audience);
        }
        given!(
            builder,
            self,
            required_scopes,
            jwks_uri,
            allow_insecure_http,
            ca_bundle,
            proxy
        );
        if let Some(ms) = self.leeway_ms {
            builder = builder.leeway(duration(ms));
        }
        if let Some(ms) = self.timeout_ms {
            builder = builder.timeout(duration(ms));
        }
        if let Some(ms) = self.connect_timeout_ms {
            builder = builder.connect_timeout(duration(ms));
        }
        if self.client_certificate.is_some() || self.client_key.is_some() {
            let (certificate, key) = (self.client_certificate, self.client_key);
            builder = builder
                .client_certificate(certificate.unwrap_or_default(), key.unwrap_or_default());
        }
        if let Some(clock) = clock {
            builder = builder.clock(clock);
        }
        if let Some(client) = client {
            builder = builder.client(client);
        }
        builder.build()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    payload: String,
    headers: BTreeMap<String, String>,
    secret: String,
    now_ms: Option<f64>,
    tolerance_ms: Option<f64>,
}

impl Webhook {
    /// Verifies it; the answer is what the payload says.
    pub fn verify(self) -> Result<Value, Fault> {
        let mut verifier = WebhookVerifier::new([&self.secret])?;
        if let Some(ms) = self.tolerance_ms {
            verifier = verifier.tolerance(duration(ms));
        }
        if let Some(ms) = self.now_ms {
            verifier = verifier.at(std::time::UNIX_EPOCH + duration(ms));
        }
        let headers = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        verifier.verify(self.payload.as_bytes(), headers)?;
        serde_json::from_str(&self.payload).map_err(|e| Fault::said(&e.to_string()))
    }
}

/// Milliseconds; nonsense is no time, which the SDK then refuses.
pub fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

//! What a step can say beside a call: clocks, verifiers, webhooks, audit chains, and what must have
//! reached the scripted server.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A plain HTTP request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// JSON body.
    pub json: Option<Value>,
    /// Form body.
    pub form: Option<BTreeMap<String, String>>,
}

/// What the scripted server has seen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Seen {
    /// Requests, token and key requests apart: how many, or their patterns.
    pub requests: Option<Value>,
    /// Token requests: how many.
    pub token_requests: Option<usize>,
    /// Token requests: their patterns.
    pub tokens: Option<Value>,
    /// Requests for a tunnel: their patterns.
    pub tunnels: Option<Value>,
    /// Connections that were made: how many.
    pub connections: Option<usize>,
    /// A header that every request has, with one and the same value.
    pub same: Option<String>,
    /// A header that every request has, each with a value of its own.
    pub distinct: Option<String>,
    /// Requests for keys or for the issuer's own description: how many.
    pub key_requests: Option<usize>,
}

/// How a clock moves: what the runner's verb `clock` takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClockMove {
    /// Both clocks.
    pub advance_ms: Option<f64>,
    /// The wall clock alone.
    pub jump_wall_ms: Option<f64>,
    /// What chance answers from here on.
    pub random: Option<f64>,
}

/// A verifier of the scripted issuer's tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VerifierStep {
    /// Over the usual: the scripted issuer, the usual audience.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Tokens that hold are also introspected through the case's client.
    #[serde(default)]
    pub with_client: bool,
}

/// A token for the verifier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VerifyStep {
    /// The token as text, or how to make it.
    pub token: TokenText,
    /// Scopes for this call alone.
    pub required_scopes: Option<Vec<String>>,
}

/// A token.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum TokenText {
    /// As it stands.
    Text(String),
    /// Made by the host.
    Minted(Box<TokenSpec>),
}

/// How a token differs from a good one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct TokenSpec {
    /// `rsa` (unless said), `ec`, `ed`, `other` (names `rsa`, is another) or `new` (published later).
    pub key: Option<String>,
    /// `key` (unless said), `none`, or `hmac` with the public key as its secret.
    pub sign: Option<String>,
    /// Header members; null removes one.
    pub header: Map<String, Value>,
    /// Claims; null removes one.
    pub claims: Map<String, Value>,
    /// Seconds from now to its end, 3600 unless said.
    pub expires_in: Option<i64>,
    /// Seconds from now to its beginning; no `nbf` unless said.
    pub not_before_in: Option<i64>,
    /// Changes this many characters at the end of the payload after signing.
    pub tampered: bool,
}

/// A webhook delivery, signed by the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WebhookStep {
    /// The body.
    pub payload: String,
    /// What the receiver is given.
    pub secret: String,
    /// What it is signed with, when that is something else.
    pub signed_with: Option<String>,
    /// The body that is signed, when that is another one.
    pub signed_payload: Option<String>,
    /// Seconds since it was signed; negative: signed in the future.
    #[serde(default)]
    pub age_seconds: i64,
    /// Headers over those of the signature; null removes one; `${signature}` is the right one.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The receiver's time, relative to the present.
    pub now_in_seconds: Option<i64>,
    /// How old it may be.
    pub tolerance_ms: Option<u64>,
}

/// Audit events for the offline check.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChainStep {
    /// Usually `${page.body.data}`.
    pub events: Value,
    /// Changes one member of the event at an index: `{index, member, value}`.
    pub tamper: Option<Tamper>,
    /// Leaves the event at this index out.
    pub without: Option<usize>,
    /// Oldest and newest change places.
    #[serde(default)]
    pub shuffled: bool,
}

/// A change to one event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tamper {
    /// Place in the list.
    pub index: usize,
    /// Which member.
    pub member: String,
    /// Its new value.
    pub value: Value,
}

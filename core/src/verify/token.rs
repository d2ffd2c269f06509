//! A token that held.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::key::Algorithm;

/// What a verified access token says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifiedToken {
    /// `sub`: the agent. A token without one is refused (RFC 9068 section 2.2).
    pub subject: String,
    /// `client_id`: the client that asked for it.
    pub client_id: Option<String>,
    /// `organization_id`: the agent's organization.
    pub organization_id: Option<String>,
    /// `scope`, taken apart.
    pub scopes: Vec<String>,
    /// `jti`.
    pub token_id: Option<String>,
    /// `iss`.
    pub issuer: String,
    /// `aud`, a list also where the token has one text.
    pub audience: Vec<String>,
    /// `iat`.
    #[serde(serialize_with = "unix_or_null")]
    pub issued_at: Option<OffsetDateTime>,
    /// `exp`.
    #[serde(serialize_with = "unix")]
    pub expires_at: OffsetDateTime,
    /// `kid` of the header.
    pub key_id: String,
    /// `alg` of the header.
    #[serde(serialize_with = "name")]
    pub algorithm: Algorithm,
    /// Every claim as it came.
    pub claims: Map<String, Value>,
}

impl VerifiedToken {
    /// Whether the token has that scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    /// The record that every language builds its own object from; times are whole Unix seconds.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

fn unix<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.unix_timestamp())
}

fn unix_or_null<S: Serializer>(
    time: &Option<OffsetDateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(OffsetDateTime::unix_timestamp)
        .serialize(serializer)
}

fn name<S: Serializer>(algorithm: &Algorithm, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(algorithm.as_str())
}

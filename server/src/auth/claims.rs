//! The claims of an access token (RFC 9068), written by `tokens` and read by the verifier: one type
//! for both, so that they cannot drift apart.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::revocation::Dependencies;
use crate::storage::Dependency;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Issuer.
    pub iss: String,
    /// Audience: our issuer, or the `resource` that was asked for.
    pub aud: String,
    /// The agent.
    pub sub: Uuid,
    /// The client, which is the agent.
    pub client_id: Uuid,
    /// The agent's organization.
    pub organization_id: Uuid,
    /// Space-separated scopes.
    pub scope: String,
    /// The token's own id.
    pub jti: String,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Expires at, Unix seconds.
    pub exp: i64,
    /// What the token depends on beside `sub` and `organization_id`.
    pub dep: DependencyClaim,
}

/// The credential and three generations, in few bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyClaim {
    /// The credential that the token was issued under.
    pub cid: Uuid,
    /// Generations of organization, agent and credential when it was issued.
    #[serde(rename = "gen")]
    pub generations: [i64; 3],
}

impl AccessClaims {
    /// Everything whose generation ends the token.
    pub fn dependencies(&self) -> Dependencies {
        let [organization, agent, credential] = self.dep.generations;
        Dependencies(vec![
            (Dependency::Organization, self.organization_id, organization),
            (Dependency::Agent, self.sub, agent),
            (Dependency::Credential, self.dep.cid, credential),
        ])
    }
}

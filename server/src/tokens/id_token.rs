//! The id_token that `openid` adds (OpenID Connect Core 1.0 section 2): who the agent is, for the
//! client itself. It has another `typ` than an access token and opens nothing.

use serde::Serialize;
use uuid::Uuid;

use crate::generated::types::{AgentType, DeploymentEnv};
use crate::storage::AgentRecord;

/// Claims about the agent, beside those that every id_token has.
pub const AGENT_CLAIMS: [&str; 7] = [
    "organization_id",
    "email",
    "agent_type",
    "version",
    "owner",
    "deployment_env",
    "capabilities",
];

/// What an id_token says.
#[derive(Serialize)]
pub(super) struct IdClaims<'a> {
    iss: &'a str,
    sub: Uuid,
    aud: Uuid,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    organization_id: Uuid,
    email: &'a str,
    agent_type: AgentType,
    version: &'a str,
    owner: &'a str,
    deployment_env: DeploymentEnv,
    capabilities: &'a [String],
}

impl<'a> IdClaims<'a> {
    /// About `agent`, issued at `iat` and good until `exp` (Unix seconds).
    pub(super) fn of(
        agent: &'a AgentRecord,
        issuer: &'a str,
        nonce: Option<&'a str>,
        iat: i64,
        exp: i64,
    ) -> Self {
        Self {
            iss: issuer,
            sub: agent.agent_id,
            aud: agent.agent_id,
            iat,
            exp,
            nonce,
            organization_id: agent.organization_id,
            email: &agent.email,
            agent_type: agent.agent_type,
            version: &agent.version,
            owner: &agent.owner,
            deployment_env: agent.deployment_env,
            capabilities: &agent.capabilities,
        }
    }
}

//! Who calls, and with what circumstances: what the pipeline hands to a section.
//!
//! Plain values: a section that reads them knows nothing of HTTP.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    error::ApiError,
    generated::{codes::Code, scopes::Scope, types::AgentRole},
    policy::ScopeSet,
    storage::{Reach, Tier},
    wire::Secret,
};

/// One request, as far as rules and the audit log care.
#[derive(Clone, Debug)]
pub struct Call {
    /// The answer's `X-Request-Id`.
    pub request_id: String,
    /// The caller's address, forwarded headers of trusted proxies considered. Empty when unknown.
    pub ip_address: String,
    /// The `User-Agent` header, at most 512 characters, without control characters. Empty when absent.
    pub user_agent: String,
    /// When the request arrived.
    pub received_at: Timestamp,
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The agent; also its client id.
    pub agent_id: Uuid,
    /// The wall it lives behind.
    pub organization_id: Uuid,
    /// What its organization has agreed to.
    pub tier: Tier,
    /// As stored now, not as it was when the token was issued.
    pub role: AgentRole,
    /// What its token - or, with client authentication, its credential - carries.
    pub scopes: ScopeSet,
    /// The credential that it authenticated with, now or when the token was issued.
    pub credential_id: Uuid,
    /// The token's id; `None` with client authentication.
    pub jti: Option<String>,
    /// When the token ends; `None` with client authentication.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// May act in every organization.
    pub fn crosses_organizations(&self) -> bool {
        self.scopes.contains(Scope::AdminOrgs)
    }

    /// What it sees of the store.
    pub fn reach(&self) -> Reach {
        if self.crosses_organizations() {
            Reach::Everywhere
        } else {
            Reach::Organization(self.organization_id)
        }
    }

    /// Whether things of that organization exist for it.
    pub fn sees(&self, organization_id: Uuid) -> bool {
        self.organization_id == organization_id || self.crosses_organizations()
    }

    /// `FORBIDDEN` unless the target is the caller itself, or the caller is an admin. Whose
    /// organization it is was judged before; the store judges the role again in its transaction.
    pub fn must_manage(&self, agent_id: Uuid) -> Result<(), ApiError> {
        if self.agent_id == agent_id || self.role == AgentRole::Admin {
            Ok(())
        } else {
            Err(ApiError::new(Code::Forbidden))
        }
    }
}

/// What a client presented to authenticate itself at an OAuth endpoint.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// As sent (percent-decoded with HTTP Basic); not checked to be a UUID.
    pub client_id: String,
    /// As sent.
    pub client_secret: Secret,
}

//! Revocation (RFC 7009): one's own token, or any of the organization for an admin. A token that
//! is not live needs no revocation, and nobody learns why it is not.

use crate::audit::{AuditAction, NewEvent};
use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::generated::codes::Code;
use crate::generated::types::AgentRole;
use crate::storage::RevokedToken;

use super::{Service, sees};

impl Service {
    /// Ends the token. It is refused here before this returns, elsewhere within a second.
    pub(crate) async fn revoke(
        &self,
        call: &Call,
        caller: &Caller,
        token: &str,
    ) -> Result<(), ApiError> {
        let Some(live) = self.live(token)? else {
            return Ok(());
        };
        let claims = &live.claims;
        let own = claims.sub == caller.agent_id;
        let as_admin = caller.role == AgentRole::Admin && sees(caller, claims.organization_id);
        if !own && !as_admin {
            return Err(ApiError::new(Code::Forbidden)
                .message("Only an admin may revoke the token of another agent."));
        }
        let event = NewEvent::of(
            call,
            caller,
            claims.organization_id,
            claims.sub,
            AuditAction::TokenRevoked,
        )
        .with("jti", claims.jti.as_str());
        let revoked = RevokedToken {
            jti: claims.jti.clone(),
            expires_at: live.expires_at,
        };
        let revocations = self.parts.storage.revocations();
        Ok(revocations.revoke_token(revoked, vec![event]).await?)
    }
}

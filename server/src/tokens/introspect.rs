//! Introspection (RFC 7662): a live token of the caller's organization, whatever its audience, or
//! nothing - a caller cannot tell an expired token from one of another organization.

use std::sync::Arc;

use crate::audit::{AuditAction, NewEvent};
use crate::auth::{TokenFault, VerifiedToken};
use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::generated::types::IntrospectionResponse;

use super::{Service, sees};

impl Service {
    /// The token, when it is live and the caller may see it. The event is queued; the answer does
    /// not wait for it.
    pub(crate) async fn introspect(
        &self,
        call: &Call,
        caller: &Caller,
        token: &str,
    ) -> Result<Option<Arc<VerifiedToken>>, ApiError> {
        let seen = self
            .live(token)?
            .filter(|live| sees(caller, live.claims.organization_id));
        let (organization, about) = match &seen {
            Some(live) => (live.claims.organization_id, live.claims.sub),
            None => (caller.organization_id, caller.agent_id),
        };
        let event = NewEvent::of(
            call,
            caller,
            organization,
            about,
            AuditAction::TokenIntrospected,
        )
        .with("active", seen.is_some());
        let event = match &seen {
            Some(live) => event.with("jti", live.claims.jti.as_str()),
            None => event,
        };
        self.parts.recorder.append_later(event).await?;
        Ok(seen)
    }

    /// The token, when it is live: 503 when that cannot be said, nothing for every fault of it.
    pub(super) fn live(&self, token: &str) -> Result<Option<Arc<VerifiedToken>>, ApiError> {
        match self.parts.auth.verifier().verify(token) {
            Ok(verified) => Ok(Some(verified)),
            Err(TokenFault::Stale(stale)) => Err(ApiError::unavailable(stale)),
            Err(_) => Ok(None),
        }
    }
}

/// What is answered of a live token; `active: false` alone for anything else.
pub(super) fn answer(live: Option<&VerifiedToken>) -> IntrospectionResponse {
    let Some(live) = live else {
        return IntrospectionResponse {
            active: false,
            sub: None,
            client_id: None,
            scope: None,
            token_type: None,
            iat: None,
            exp: None,
            iss: None,
            aud: None,
            jti: None,
            organization_id: None,
        };
    };
    let claims = &live.claims;
    IntrospectionResponse {
        active: true,
        sub: Some(claims.sub.to_string()),
        client_id: Some(claims.client_id.to_string()),
        scope: Some(claims.scope.clone()),
        token_type: Some("Bearer".to_owned()),
        iat: Some(claims.iat),
        exp: Some(claims.exp),
        iss: Some(claims.iss.clone()),
        aud: Some(claims.aud.clone()),
        jti: Some(claims.jti.clone()),
        organization_id: Some(claims.organization_id.to_string()),
    }
}

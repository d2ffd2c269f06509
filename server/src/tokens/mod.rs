//! Section tokens: issue, introspect, revoke.
//!
//! Owns: what a token request may ask for, what a token says, who may look at or end whose token.
//! Refuses: verifying secrets and tokens (`auth`), signing (`keys`), remembering what is revoked
//! (`revocation`). No row is written for an issued token.

mod id_token;
mod introspect;
mod issue;
mod request;
mod resource;
mod revoke;

#[cfg(test)]
mod tests;

pub use id_token::AGENT_CLAIMS;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::audit::Recorder;
use crate::auth::Authenticator;
use crate::call::{Call, Caller, ClientCredentials};
use crate::clock::Clock;
use crate::error::ApiError;
use crate::generated::codes::Code;
use crate::generated::tokens::Tokens;
use crate::generated::types::{
    IntrospectTokenRequest, IntrospectionResponse, IssueTokenRequest, RevokeTokenRequest,
    TokenResponse,
};
use crate::http::{Reply, Unchecked};
use crate::keys::{KeyError, Keys};
use crate::metrics::Metrics;
use crate::secrets::Random;
use crate::storage::{Reach, Storage};
use crate::tiers::Tiers;
use crate::wire::Secret;

/// How long an access token lives; an id_token too.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// What the section works with.
pub struct Parts {
    /// Who calls.
    pub auth: Arc<Authenticator>,
    /// What signs.
    pub keys: Arc<Keys>,
    /// Where revoked tokens are kept.
    pub storage: Arc<dyn Storage>,
    /// Records what was issued and looked at.
    pub recorder: Arc<Recorder>,
    /// Makes the ids of tokens.
    pub random: Arc<dyn Random>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Counts what was issued.
    pub metrics: Arc<Metrics>,
    /// Counts what is issued.
    pub tiers: Arc<Tiers>,
    /// `iss` of every token, and `aud` of those that are meant for us.
    pub issuer: String,
}

/// The section.
pub struct Service {
    parts: Parts,
}

impl Service {
    /// Of these parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }
}

impl Tokens for Service {
    async fn issue_token(
        &self,
        call: &Call,
        client: Option<ClientCredentials>,
        input: Unchecked<IssueTokenRequest>,
    ) -> Result<Reply<TokenResponse>, ApiError> {
        Ok(self.issue(call, client, input.check()?).await?.into())
    }

    async fn introspect_token(
        &self,
        call: &Call,
        caller: &Caller,
        input: Unchecked<IntrospectTokenRequest>,
    ) -> Result<Reply<IntrospectionResponse>, ApiError> {
        let token = presented(input.check()?.token)?;
        let live = self.introspect(call, caller, token.expose()).await?;
        Ok(introspect::answer(live.as_deref()).into())
    }

    async fn revoke_token(
        &self,
        call: &Call,
        caller: &Caller,
        input: Unchecked<RevokeTokenRequest>,
    ) -> Result<Reply<()>, ApiError> {
        let token = presented(input.check()?.token)?;
        self.revoke(call, caller, token.expose()).await?;
        Ok(Reply::empty())
    }
}

/// A parameter without a value counts as left out (RFC 6749 section 3.2).
fn presented(token: Secret) -> Result<Secret, ApiError> {
    if token.expose().is_empty() {
        Err(ApiError::new(Code::InvalidRequest).message("token is missing."))
    } else {
        Ok(token)
    }
}

/// Whether things of that organization lie within the caller's reach.
fn sees(caller: &Caller, organization_id: Uuid) -> bool {
    match caller.reach() {
        Reach::Everywhere => true,
        Reach::Organization(own) => own == organization_id,
    }
}

/// A key that cannot sign is our fault, never the caller's.
fn signing_failed(error: KeyError) -> ApiError {
    ApiError::internal(error)
}

//! Issuing (RFC 6749 section 4.4, RFC 9068): authenticate, compare what is asked with what is
//! permitted, count, sign, record, answer. The answer waits until the event is durable.

use crate::audit::{AuditAction, NewEvent};
use crate::auth::{AccessClaims, AuthenticatedClient, DependencyClaim};
use crate::call::{Call, ClientCredentials};
use crate::error::ApiError;
use crate::generated::codes::Code;
use crate::generated::scopes::Scope;
use crate::generated::types::{IssueTokenRequest, TokenResponse};
use crate::keys::TokenType;
use crate::policy::ScopeSet;
use crate::tiers::Tenant;
use crate::wire::Secret;

use super::id_token::IdClaims;
use super::request::TokenRequest;
use super::{ACCESS_TOKEN_LIFETIME, Service, signing_failed};

impl Service {
    pub(crate) async fn issue(
        &self,
        call: &Call,
        client: Option<ClientCredentials>,
        form: IssueTokenRequest,
    ) -> Result<TokenResponse, ApiError> {
        let request = TokenRequest::parse(client, form)?;
        let authenticated = self
            .parts
            .auth
            .authenticate_client(call, &request.client)
            .await?;
        permit(&authenticated, request.scopes)?;
        let tenant = Tenant {
            organization: authenticated.client.agent.organization_id,
            tier: authenticated.client.tier(),
        };
        let counted = self.parts.tiers.count_token(tenant).await?;
        match self.sign_and_record(call, &authenticated, &request).await {
            Ok(answer) => {
                self.parts.auth.note_use(&authenticated.secret);
                self.parts
                    .metrics
                    .token_issued(&answer.scope, answer.id_token.is_some());
                Ok(answer)
            }
            Err(error) => {
                self.parts.tiers.give_back(counted).await;
                Err(error)
            }
        }
    }

    async fn sign_and_record(
        &self,
        call: &Call,
        authenticated: &AuthenticatedClient,
        request: &TokenRequest,
    ) -> Result<TokenResponse, ApiError> {
        let claims = self.claims(authenticated, request)?;
        let answer = self.answer(authenticated, request, &claims)?;
        self.record_issue(call, authenticated, &claims).await?;
        Ok(answer)
    }

    fn claims(
        &self,
        AuthenticatedClient { client, secret }: &AuthenticatedClient,
        request: &TokenRequest,
    ) -> Result<AccessClaims, ApiError> {
        let issued = self.parts.clock.now();
        let jti = self.parts.random.uuid().map_err(ApiError::internal)?;
        let issuer = &self.parts.issuer;
        Ok(AccessClaims {
            iss: issuer.clone(),
            aud: request.audience.as_ref().unwrap_or(issuer).clone(),
            sub: client.agent.agent_id,
            client_id: client.agent.agent_id,
            organization_id: client.agent.organization_id,
            scope: request.scopes.to_string(),
            jti: jti.to_string(),
            iat: issued.seconds(),
            exp: issued.plus(ACCESS_TOKEN_LIFETIME).seconds(),
            dep: DependencyClaim {
                cid: secret.credential_id,
                generations: [
                    client.organization_generation,
                    client.agent_generation,
                    secret.generation,
                ],
            },
        })
    }

    fn answer(
        &self,
        authenticated: &AuthenticatedClient,
        request: &TokenRequest,
        claims: &AccessClaims,
    ) -> Result<TokenResponse, ApiError> {
        let signing = std::sync::Arc::clone(self.parts.keys.current().signing());
        let sign = |kind: TokenType, json: serde_json::Result<Vec<u8>>| {
            let json = json.map_err(ApiError::internal)?;
            let token = signing.sign(kind, &json).map_err(signing_failed)?;
            Ok::<_, ApiError>(Secret::new(token))
        };
        let id_token = if request.scopes.contains(Scope::Openid) {
            let agent = &authenticated.client.agent;
            let nonce = request.nonce.as_deref();
            let id = IdClaims::of(agent, &claims.iss, nonce, claims.iat, claims.exp);
            Some(sign(TokenType::Id, serde_json::to_vec(&id))?)
        } else {
            None
        };
        Ok(TokenResponse {
            access_token: sign(TokenType::Access, serde_json::to_vec(claims))?,
            token_type: "Bearer".to_owned(),
            expires_in: claims.exp - claims.iat,
            scope: claims.scope.clone(),
            id_token,
        })
    }

    async fn record_issue(
        &self,
        call: &Call,
        authenticated: &AuthenticatedClient,
        claims: &AccessClaims,
    ) -> Result<(), ApiError> {
        let agent = &authenticated.client.agent;
        let event = NewEvent::about(
            call,
            agent.organization_id,
            Some(agent.agent_id),
            AuditAction::TokenIssued,
        )
        .with(
            "credentialId",
            authenticated.secret.credential_id.to_string(),
        )
        .with("jti", claims.jti.as_str())
        .with("scope", claims.scope.as_str());
        let event = if claims.aud == claims.iss {
            event
        } else {
            event.with("audience", claims.aud.as_str())
        };
        Ok(self.parts.recorder.append(event).await?)
    }
}

fn permit(
    AuthenticatedClient { client, secret }: &AuthenticatedClient,
    asked: ScopeSet,
) -> Result<(), ApiError> {
    let permitted = client.permitted(secret);
    match asked.iter().find(|scope| !permitted.contains(*scope)) {
        None => Ok(()),
        Some(scope) => Err(ApiError::new(Code::InvalidScope).message(format!(
            "The scope {} is not allowed for this client.",
            scope.as_str()
        ))),
    }
}

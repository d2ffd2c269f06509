//! Section oidc: discovery (OpenID Connect Discovery 1.0, RFC 8414) and the public keys (RFC 7517).
//!
//! Refuses: anything private - what is published here is made of types that have no place for it -
//! and promising what the server does not do.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Call;
use crate::error::ApiError;
use crate::generated::oidc::Oidc;
use crate::generated::scopes::Scope;
use crate::generated::types::{JsonWebKey, JsonWebKeySet, OpenIdConfiguration};
use crate::http::{Reply, Unchecked};
use crate::keys::{Jwk, Keys, SigningAlgorithm};
use crate::tokens::AGENT_CLAIMS;

/// How a client authenticates at every OAuth endpoint.
const CLIENT_AUTHENTICATION: [&str; 2] = ["client_secret_basic", "client_secret_post"];
/// Claims of every id_token, beside those about the agent.
const COMMON_CLAIMS: [&str; 6] = ["iss", "sub", "aud", "iat", "exp", "nonce"];

/// What the section works with.
pub struct Parts {
    /// What signs and verifies.
    pub keys: Arc<Keys>,
    /// `iss` of every token.
    pub issuer: String,
    /// Where the server is reached, without a trailing slash.
    pub public_url: String,
    /// How long others may keep the documents.
    pub cache_for: Duration,
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

    fn configuration(&self) -> OpenIdConfiguration {
        let at = |path: &str| format!("{}{path}", self.parts.public_url);
        let methods = || owned(&CLIENT_AUTHENTICATION);
        OpenIdConfiguration {
            issuer: self.parts.issuer.clone(),
            token_endpoint: at("/oauth2/token"),
            introspection_endpoint: at("/oauth2/introspect"),
            revocation_endpoint: at("/oauth2/revoke"),
            jwks_uri: at("/.well-known/jwks.json"),
            grant_types_supported: owned(&["client_credentials"]),
            response_types_supported: Vec::new(),
            subject_types_supported: owned(&["public"]),
            id_token_signing_alg_values_supported: self.algorithms(),
            token_endpoint_auth_methods_supported: methods(),
            introspection_endpoint_auth_methods_supported: Some(methods()),
            revocation_endpoint_auth_methods_supported: Some(methods()),
            scopes_supported: Scope::ALL
                .iter()
                .map(|scope| scope.as_str().to_owned())
                .collect(),
            claims_supported: Some([owned(&COMMON_CLAIMS), owned(&AGENT_CLAIMS)].concat()),
        }
    }

    /// Those of the published keys: what a verifier may meet.
    fn algorithms(&self) -> Vec<String> {
        let keys = self.parts.keys.current();
        let published = keys.jwks();
        SigningAlgorithm::ALL
            .iter()
            .map(|algorithm| algorithm.name())
            .filter(|name| published.iter().any(|jwk| jwk.alg == *name))
            .map(str::to_owned)
            .collect()
    }

    fn cached<T>(&self, document: T) -> Reply<T> {
        let seconds = self.parts.cache_for.as_secs();
        Reply::new(document).header("cache-control", format!("public, max-age={seconds}"))
    }
}

impl Oidc for Service {
    async fn get_open_id_configuration(
        &self,
        _call: &Call,
        input: Unchecked<()>,
    ) -> Result<Reply<OpenIdConfiguration>, ApiError> {
        input.check()?;
        Ok(self.cached(self.configuration()))
    }

    async fn get_jwks(
        &self,
        _call: &Call,
        input: Unchecked<()>,
    ) -> Result<Reply<JsonWebKeySet>, ApiError> {
        input.check()?;
        let keys = self.parts.keys.current();
        let published = keys.jwks().into_iter().map(published).collect();
        Ok(self.cached(JsonWebKeySet { keys: published }))
    }
}

fn published(jwk: &Jwk) -> JsonWebKey {
    JsonWebKey {
        kty: jwk.kty.clone(),
        kid: jwk.kid.clone(),
        r#use: jwk.usage.clone(),
        alg: jwk.alg.clone(),
        n: jwk.n.clone(),
        e: jwk.e.clone(),
        crv: jwk.crv.clone(),
        x: jwk.x.clone(),
        y: jwk.y.clone(),
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::world::{ISSUER, World};

    async fn service() -> Service {
        Service::new(Parts {
            keys: World::new().await.keys,
            issuer: ISSUER.to_owned(),
            public_url: "https://idp.example.com".to_owned(),
            cache_for: Duration::from_secs(3600),
        })
    }

    #[tokio::test]
    async fn discovery_advertises_the_oauth2_endpoints() {
        let found = service().await.configuration();
        assert_eq!(found.issuer, ISSUER);
        assert_eq!(found.token_endpoint, "https://idp.example.com/oauth2/token");
        assert_eq!(
            found.revocation_endpoint,
            "https://idp.example.com/oauth2/revoke"
        );
        assert_eq!(
            found.jwks_uri,
            "https://idp.example.com/.well-known/jwks.json"
        );
        assert_eq!(found.id_token_signing_alg_values_supported, ["ES256"]);
        assert!(found.scopes_supported.contains(&"admin:orgs".to_owned()));
    }

    #[tokio::test]
    async fn what_is_published_is_what_the_key_set_has() {
        let service = service().await;
        let keys = service.parts.keys.current();
        for jwk in keys.jwks() {
            let shown = serde_json::to_value(published(jwk)).unwrap();
            assert_eq!(shown, serde_json::to_value(jwk).unwrap());
        }
    }
}

//! Access tokens, verified without a call.
//!
//! ```text
//! token ─ jwt: taken apart ─ cache: the issuer's keys ─ key: signature ─ rules: claims ─ VerifiedToken
//!                              └─ fetch: discovery, key set              └─ revocation (optional)
//! ```
//!
//! Owns: [`TokenVerifier`]. Accepted are RS256, ES256 and EdDSA, whatever a token says of itself.
//! Refuses: id tokens and other JWTs; keys that a token brings along; a token's text in an error or log.

mod builder;
mod cache;
mod fault;
mod fetch;
mod jwt;
mod key;
mod revocation;
mod rules;
mod token;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

#[cfg(feature = "bridge")]
pub(crate) use self::builder::{Arguments, Settings};
pub use self::{builder::TokenVerifierBuilder, key::Algorithm, token::VerifiedToken};
use self::{
    cache::{KeyCache, Known},
    fault::{Reason, invalid, unknown_key},
    fetch::{Fetched, Source},
    jwt::Jwt,
    key::KeySet,
    rules::Rules,
};
use crate::{Error, client::Core, clock::Clock, config::Network, transport::Transport};

/// Verifies access tokens with the issuer's cached keys. Cheap to clone; clones share the keys.
///
/// ```no_run
/// # async fn f(bearer: &str) -> Result<(), sentryagent_idp::Error> {
/// use sentryagent_idp::TokenVerifier;
/// let verifier = TokenVerifier::builder("https://idp.example.com", "https://api.example.com")
///     .required_scopes(["reports:read"])
///     .build()?;
/// let token = verifier.verify(bearer).await?;
/// println!("{} may read", token.subject);
/// # Ok(()) }
/// ```
///
/// Keys are fetched at the first token, refreshed in the background, and kept while the issuer is away;
/// see [`policy`](crate::policy). With the key at hand nothing is waited for.
///
/// # Errors
/// A token that does not hold: kind [`Authentication`](crate::ErrorKind::Authentication), code
/// `INVALID_TOKEN`, `details.reason` one of `malformed`, `algorithm`, `type`, `unknown_key`, `signature`,
/// `issuer`, `audience`, `expired`, `not_yet_valid`, `revoked`. One without a needed scope: kind
/// [`Permission`](crate::ErrorKind::Permission), code `INSUFFICIENT_SCOPE`, `details.requiredScopes`.
/// Anything else - no keys can be had, introspection failed - says nothing about the token.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Inner>);

struct Inner {
    rules: Rules,
    source: Source,
    /// Fetching the keys, in all.
    timeout: Duration,
    network: Network,
    clock: Arc<dyn Clock>,
    keys: KeyCache,
    transport: OnceLock<Transport>,
    client: Option<Arc<Core>>,
}

impl TokenVerifier {
    /// A verifier of this issuer's tokens (`iss`, to the letter) for this audience (`aud`).
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> TokenVerifierBuilder {
        TokenVerifierBuilder::new(issuer.into(), audience.into())
    }

    /// Verifies a token, given without the word `Bearer`.
    ///
    /// # Errors
    /// See the type.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken, Error> {
        self.verify_scopes(token, &[]).await
    }

    /// As [`verify`](Self::verify), with scopes that this one token needs besides the verifier's.
    ///
    /// # Errors
    /// See the type.
    pub async fn verify_scopes(
        &self,
        token: &str,
        required: &[String],
    ) -> Result<VerifiedToken, Error> {
        let inner = &self.0;
        let jwt = Jwt::parse(token, &inner.rules.algorithms)?;
        let keys = inner.keys.get(inner, &jwt.key_id).await?;
        let verified = inner.judge(&keys, jwt, required)?;
        if let Some(client) = &inner.client {
            revocation::check(client, token).await?;
        }
        Ok(verified)
    }

    /// The outcome, when it needs no wait: the key is cached (or known not to exist), and the token is
    /// not introspected. `None` otherwise.
    #[must_use]
    pub fn verify_now(
        &self,
        token: &str,
        required: &[String],
    ) -> Option<Result<VerifiedToken, Error>> {
        let inner = &self.0;
        let jwt = match Jwt::parse(token, &inner.rules.algorithms) {
            Ok(jwt) => jwt,
            Err(error) => return Some(Err(error)),
        };
        let keys = match inner.keys.now(inner, &jwt.key_id) {
            Known::Keys(keys) => keys,
            Known::Refused(error) => return Some(Err(error)),
            Known::Unsettled => return None,
        };
        let outcome = inner.judge(&keys, jwt, required);
        (outcome.is_err() || inner.client.is_none()).then_some(outcome)
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("issuer", &self.0.rules.issuer)
            .field("audience", &self.0.rules.audiences)
            .field("required_scopes", &self.0.rules.scopes)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Signature, then claims.
    fn judge(
        &self,
        keys: &KeySet,
        jwt: Jwt<'_>,
        required: &[String],
    ) -> Result<VerifiedToken, Error> {
        if !keys.has(&jwt.key_id) {
            return Err(unknown_key());
        }
        let key = keys
            .get(&jwt.key_id, jwt.algorithm)
            .ok_or_else(|| invalid(Reason::Algorithm, "the token's algorithm is not its key's"))?;
        if !key.verifies(jwt.signed, &jwt.signature) {
            return Err(invalid(
                Reason::Signature,
                "the token's signature does not hold",
            ));
        }
        self.rules
            .judge(jwt, required, self.clock.wall().as_secs_f64())
    }

    /// Asks the issuer for its keys, within the time for that.
    async fn fetch(&self) -> Result<Fetched, Error> {
        let transport = match self.transport.get() {
            Some(made) => made,
            None => {
                let made = Transport::build(&self.network)?;
                self.transport.get_or_init(|| made)
            }
        };
        tokio::select! {
            biased;
            outcome = self.source.fetch(transport) => outcome,
            () = self.clock.sleep(self.timeout) => Err(Error::timeout(self.timeout, 1)
                .with_cause("the issuer's keys did not come")),
        }
    }
}

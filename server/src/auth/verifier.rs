//! Verification of our own access tokens. The costly part - signature and parsing - is remembered
//! by the token's SHA-256; expiry, generations and single revocation are judged at every call.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use super::cache::Cache;
use super::claims::AccessClaims;
use super::jws;
use crate::clock::{Clock, Timestamp};
use crate::keys::{Keys, TokenType};
use crate::policy::ScopeSet;
use crate::revocation::{Dependencies, Revocation, Stale};

/// Tokens that are remembered, at about 700 bytes each.
const REMEMBERED_MAX: usize = 32 * 1024;

/// Why a token is not accepted. For the log; callers hear one answer for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// No compact JWS of ours, or claims of another shape.
    #[error("malformed")]
    Malformed,
    /// Another `typ`, such as an id_token's.
    #[error("wrong type")]
    Type,
    /// The header names another algorithm than the key's.
    #[error("wrong algorithm")]
    Algorithm,
    /// `kid` is no key of ours, or a revoked one.
    #[error("unknown key")]
    UnknownKey,
    /// Not signed by the key that it names.
    #[error("wrong signature")]
    Signature,
    /// Issued by somebody whom we do not trust.
    #[error("wrong issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("wrong audience")]
    Audience,
    /// Over.
    #[error("expired")]
    Expired,
    /// Ended before its time.
    #[error("revoked")]
    Revoked,
    /// What is revoked is not known: no answer may be given.
    #[error(transparent)]
    Stale(#[from] Stale),
}

/// A token whose signature and claims were found good.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    /// What it says.
    pub claims: AccessClaims,
    /// Its `scope`, read.
    pub scopes: ScopeSet,
    /// Its `exp`.
    pub expires_at: Timestamp,
    dependencies: Dependencies,
    /// Version of the key set that verified it.
    keys_version: u64,
}

/// Verifies access tokens of this server and of issuers that share its keys.
pub struct Verifier {
    keys: Arc<Keys>,
    revocation: Arc<Revocation>,
    clock: Arc<dyn Clock>,
    /// Our issuer first, then `JWT_TRUSTED_ISSUERS`.
    issuers: Vec<String>,
    remembered: Cache<[u8; 32], Arc<VerifiedToken>>,
}

impl Verifier {
    /// `issuers`: our own first, then those that are trusted like it.
    pub fn new(
        keys: Arc<Keys>,
        revocation: Arc<Revocation>,
        clock: Arc<dyn Clock>,
        issuers: Vec<String>,
    ) -> Self {
        Self {
            keys,
            revocation,
            clock,
            issuers,
            remembered: Cache::new(REMEMBERED_MAX),
        }
    }

    /// A live token that is meant for us.
    pub fn verify_for_us(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenFault> {
        let verified = self.verify(token)?;
        if self.issuers.contains(&verified.claims.aud) {
            Ok(verified)
        } else {
            Err(TokenFault::Audience)
        }
    }

    /// A live token of ours, whoever it is meant for: what introspection asks.
    pub fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenFault> {
        self.revocation.ensure_fresh()?;
        let name = fingerprint(token);
        let keys = self.keys.current();
        let remembered = self
            .remembered
            .get(&name)
            .filter(|known| known.keys_version == keys.version());
        let verified = match remembered {
            Some(known) => known,
            None => {
                let payload = jws::open(token, TokenType::Access, &keys)?;
                let verified = Arc::new(self.read(&payload, keys.version())?);
                self.remembered.insert(name, Arc::clone(&verified));
                verified
            }
        };
        self.judge(&verified)?;
        Ok(verified)
    }

    fn read(&self, payload: &[u8], keys_version: u64) -> Result<VerifiedToken, TokenFault> {
        let claims: AccessClaims =
            serde_json::from_slice(payload).map_err(|_| TokenFault::Malformed)?;
        if !self.issuers.contains(&claims.iss) {
            return Err(TokenFault::Issuer);
        }
        Ok(VerifiedToken {
            scopes: ScopeSet::parse(&claims.scope).map_err(|_| TokenFault::Malformed)?,
            expires_at: Timestamp::from_ms(claims.exp.saturating_mul(1000)),
            dependencies: claims.dependencies(),
            claims,
            keys_version,
        })
    }

    /// What may change between two calls with the same token.
    fn judge(&self, token: &VerifiedToken) -> Result<(), TokenFault> {
        let now = self.clock.now();
        if now >= token.expires_at {
            return Err(TokenFault::Expired);
        }
        if self
            .revocation
            .is_live(&token.dependencies, &token.claims.jti, now)
        {
            Ok(())
        } else {
            Err(TokenFault::Revoked)
        }
    }
}

fn fingerprint(token: &str) -> [u8; 32] {
    let mut name = [0u8; 32];
    name.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    name
}

//! Authentication: a bearer token or a client secret becomes a [`Caller`].
//!
//! Owns: which tokens and secrets are good, and that nothing about a failure - answer or time -
//! tells an unknown client from a wrong secret. Refuses: scopes of routes (`policy`), roles over
//! other agents (the sections), reading HTTP headers and forms (`http`).
//!
//! Equal work: every failed client authentication hashes the presented secret once, compares it
//! twice a fixed number of times, reads the store once and appends one audit event; also when the
//! client id is unknown or no id at all. Only success may be faster, by what is remembered. Hashes
//! that an operator imported cost more; `slow_checks` says what holds for them.
//!
//! A right secret whose hash was imported, or made under an encryption key that is not the first any
//! more, gets a hash of today's form before its caller is answered. A failure to write it is logged
//! and no reason to refuse the secret: the next use tries again.

mod cache;
mod claims;
mod client;
mod clients;
mod in_vault;
mod jws;
mod last_used;
mod slow_checks;
mod verifier;

#[cfg(test)]
pub(crate) mod tests;

pub use claims::{AccessClaims, DependencyClaim};
pub use client::{Client, ClientSecret};
pub use clients::Clients;
pub use verifier::{TokenFault, VerifiedToken, Verifier};

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::audit::{AuditAction, NewEvent, Recorder};
use crate::call::{Call, Caller, ClientCredentials};
use crate::clock::Clock;
use crate::error::ApiError;
use crate::generated::codes::Code;
use crate::generated::scopes::Scope;
use crate::generated::types::AgentStatus;
use crate::revocation::Revocation;
use crate::secrets::{Candidate, SecretHasher};
use crate::storage::{Storage, StorageError};
use crate::vault::{KeepError, Keeper};

use last_used::LastUsed;
use slow_checks::SlowChecks;

/// A client that presented a right secret and may act.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    /// The client.
    pub client: Arc<Client>,
    /// The secret it used.
    pub secret: ClientSecret,
}

/// What the authenticator works with.
pub struct Parts {
    /// Where clients are read.
    pub storage: Arc<dyn Storage>,
    /// What the follower drops; the same one that was given to [`Revocation::start`].
    pub clients: Arc<Clients>,
    /// What is revoked.
    pub revocation: Arc<Revocation>,
    /// Verifies tokens.
    pub verifier: Arc<Verifier>,
    /// Hashes secrets.
    pub hasher: Arc<SecretHasher>,
    /// Where hashes are kept.
    pub keeper: Arc<Keeper>,
    /// Records failures.
    pub recorder: Arc<Recorder>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Turns what a caller presents into who it is.
pub struct Authenticator {
    parts: Parts,
    /// Whose chain holds the failures of unknown clients.
    system_organization: Uuid,
    last_used: Arc<LastUsed>,
    slow_checks: SlowChecks,
    /// When a hash could not be kept in its new form.
    upgrades: Mutex<Option<Instant>>,
}

/// How long no hash gets a new form after one could not be kept.
const UPGRADES_REST: Duration = Duration::from_secs(10);

/// A right secret.
struct Found {
    client: Arc<Client>,
    secret: ClientSecret,
    /// Whether a better form of its hash should take the place of the stored one.
    is_outdated: bool,
}

impl Authenticator {
    /// Fails when there is no system organization yet: bootstrap comes first.
    pub async fn start(parts: Parts) -> Result<Self, StorageError> {
        let system = parts.storage.organizations().system().await?;
        let system = system.ok_or(StorageError::NotFound)?;
        Ok(Self {
            system_organization: system.organization_id,
            last_used: LastUsed::start(Arc::clone(&parts.storage)),
            slow_checks: SlowChecks::new(),
            upgrades: Mutex::new(None),
            parts,
        })
    }

    /// The caller of a bearer token: `UNAUTHORIZED` for any fault of it, 503 when what is revoked
    /// is not known.
    pub async fn bearer(&self, _call: &Call, token: &str) -> Result<Caller, ApiError> {
        self.parts.revocation.catch_up().await;
        let verified = self.parts.verifier.verify_for_us(token).map_err(refusal)?;
        let claims = &verified.claims;
        let client = self
            .parts
            .clients
            .get(claims.sub)
            .await?
            .filter(|client| {
                client.may_act() && client.agent.organization_id == claims.organization_id
            })
            .ok_or_else(|| ApiError::new(Code::Unauthorized))?;
        let scopes = if client.may_cross_organizations() {
            verified.scopes
        } else {
            verified.scopes.without(Scope::AdminOrgs)
        };
        Ok(Caller {
            agent_id: claims.sub,
            organization_id: claims.organization_id,
            tier: client.tier(),
            role: client.agent.role,
            scopes,
            credential_id: claims.dep.cid,
            jti: Some(claims.jti.clone()),
            expires_at: Some(verified.expires_at),
        })
    }

    /// The caller that authenticates as a client: its scopes are those that its credential may ask
    /// for. `invalid_client` or `unauthorized_client`, both recorded.
    pub async fn client(
        &self,
        call: &Call,
        presented: &ClientCredentials,
    ) -> Result<Caller, ApiError> {
        let AuthenticatedClient { client, secret } =
            self.authenticate_client(call, presented).await?;
        Ok(Caller {
            agent_id: client.agent.agent_id,
            organization_id: client.agent.organization_id,
            tier: client.tier(),
            role: client.agent.role,
            scopes: client.permitted(&secret),
            credential_id: secret.credential_id,
            jti: None,
            expires_at: None,
        })
    }

    /// The same, with all that issuing a token needs.
    pub async fn authenticate_client(
        &self,
        call: &Call,
        presented: &ClientCredentials,
    ) -> Result<AuthenticatedClient, ApiError> {
        let revocation = &self.parts.revocation;
        revocation.catch_up().await;
        revocation.ensure_fresh().map_err(ApiError::unavailable)?;
        let candidate = self.parts.hasher.candidate(&presented.client_secret);
        let id = client_id(&presented.client_id);
        let remembered = self.parts.clients.remembered(id);
        if let Some(found) = self.find(remembered.as_ref(), &candidate) {
            return self.admit(call, found, presented).await;
        }
        // Nothing remembered fits. The store has the last word: the secret may be newer than what
        // is remembered, and an unknown client must cost what a known one does.
        let stored = self.parts.clients.read(id).await?;
        let found = match self.find(stored.as_ref(), &candidate) {
            Some(found) => Some(found),
            None => self.find_imported(stored.as_ref(), presented).await?,
        };
        match found {
            Some(found) => self.admit(call, found, presented).await,
            None => {
                self.record_failure(call, stored.as_deref(), Code::InvalidClient)
                    .await?;
                Err(ApiError::new(Code::InvalidClient))
            }
        }
    }

    /// Notes that a credential got a token.
    pub fn note_use(&self, secret: &ClientSecret) {
        self.last_used
            .note(secret.credential_id, self.parts.clock.now());
    }

    /// Verifies tokens, for introspection and revocation.
    pub fn verifier(&self) -> &Verifier {
        &self.parts.verifier
    }

    /// Writes what is only noted, for the end of the process.
    pub async fn stop(&self) {
        self.last_used.stop().await;
    }

    fn find(&self, client: Option<&Arc<Client>>, candidate: &Candidate) -> Option<Found> {
        let now = self.parts.clock.now();
        match client {
            Some(client) => client.find(candidate, now).map(|(hash, secret)| Found {
                client: Arc::clone(client),
                secret: secret.clone(),
                is_outdated: !self.parts.hasher.is_current(hash.key())
                    || !self.parts.keeper.is_in_place(&secret.stored),
            }),
            None => {
                // The comparisons of a client that does not exist.
                std::hint::black_box(candidate.position([]));
                None
            }
        }
    }

    /// Looks among the hashes that were made elsewhere.
    async fn find_imported(
        &self,
        client: Option<&Arc<Client>>,
        presented: &ClientCredentials,
    ) -> Result<Option<Found>, ApiError> {
        let hashes = client.map_or_else(Arc::default, |it| Arc::clone(it.imported_hashes()));
        let checks = &self.slow_checks;
        let position = checks.position(&hashes, &presented.client_secret).await?;
        let now = self.parts.clock.now();
        Ok(client.zip(position).and_then(|(client, position)| {
            Some(Found {
                client: Arc::clone(client),
                secret: client.imported(position, now)?.clone(),
                is_outdated: true,
            })
        }))
    }

    /// The secret is right; whether the agent may act is another question, and another answer.
    async fn admit(
        &self,
        call: &Call,
        found: Found,
        presented: &ClientCredentials,
    ) -> Result<AuthenticatedClient, ApiError> {
        if found.client.may_act() {
            if found.is_outdated && found.secret.may_change_form() {
                self.upgrade(&found, presented).await;
            }
            return Ok(AuthenticatedClient {
                client: found.client,
                secret: found.secret,
            });
        }
        self.record_failure(call, Some(&found.client), Code::UnauthorizedClient)
            .await?;
        let message = match found.client.agent.status {
            AgentStatus::Suspended => "The agent is suspended.",
            AgentStatus::Decommissioned => "The agent is decommissioned.",
            AgentStatus::Active => "The agent's organization may not act.",
        };
        Err(ApiError::new(Code::UnauthorizedClient).message(message))
    }

    /// Keeps the hash of a right secret in today's form, where hashes are kept today.
    async fn upgrade(&self, found: &Found, presented: &ClientCredentials) {
        if !self
            .upgrades
            .lock()
            .is_none_or(|rest| rest.elapsed() > UPGRADES_REST)
        {
            return;
        }
        let (agent, credential) = (found.client.agent.agent_id, found.secret.credential_id);
        let storage = &*self.parts.storage;
        let hash = self.parts.hasher.hash(&presented.client_secret).to_string();
        let now = self.parts.clock.now();
        let keeper = &self.parts.keeper;
        let new = keeper.keep_next(storage, (agent, credential), hash, now);
        let done = match new.await {
            Ok(new) => {
                let credentials = storage.credentials();
                let replacing = credentials.replace_hash(credential, &found.secret.stored, &new);
                replacing.await.map_err(KeepError::Storage)
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => tracing::info!(%credential, "the hash of a secret has a new form"),
            // Another request or instance was first.
            Err(KeepError::Storage(StorageError::Conflict)) => {}
            Err(error) => {
                *self.upgrades.lock() = Some(Instant::now());
                tracing::warn!(%credential, %error, "the hash of a secret keeps its old form");
            }
        }
    }

    /// The failure of an unknown client belongs to the system organization. What was presented is
    /// not recorded: it may be a secret in the wrong field.
    async fn record_failure(
        &self,
        call: &Call,
        client: Option<&Client>,
        code: Code,
    ) -> Result<(), ApiError> {
        let (organization, agent) = match client {
            Some(client) => (client.agent.organization_id, Some(client.agent.agent_id)),
            None => (self.system_organization, None),
        };
        let event = NewEvent::about(call, organization, agent, AuditAction::AuthFailed)
            .with("error", code.as_str())
            .failed();
        Ok(self.parts.recorder.append(event).await?)
    }
}

/// The id that was presented; the nil id, which nobody has, for what is no id. Only the hyphenated
/// form is one.
fn client_id(text: &str) -> Uuid {
    const HYPHENATED_LENGTH: usize = 36;
    if text.len() == HYPHENATED_LENGTH {
        Uuid::try_parse(text).unwrap_or_default()
    } else {
        Uuid::nil()
    }
}

fn refusal(fault: TokenFault) -> ApiError {
    match fault {
        TokenFault::Stale(stale) => ApiError::unavailable(stale),
        other => ApiError::new(Code::Unauthorized).caused_by(other),
    }
}

//! Credentials as stored, their changes, and the one read that authenticating a client takes.
//!
//! A credential has a *generation* that each rotation raises; every secret of it carries the generation it was made
//! with, and a token names the generation of the secret it was issued under. Refuses: how a secret is hashed.

use async_trait::async_trait;

use uuid::Uuid;

use super::{AgentRecord, OrganizationStatus, Page, Paging, Reach, Revision, StorageResult, Tier};
use crate::{audit::NewEvent, clock::Timestamp};

/// A credential, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Its id.
    pub credential_id: Uuid,
    /// Whose it is; also the client id.
    pub agent_id: Uuid,
    /// The agent's organization.
    pub organization_id: Uuid,
    /// What it may ask for; `None`: whatever the agent may.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it gets no token.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked; `None`: it is active (though it may have expired).
    pub revoked_at: Option<Timestamp>,
    /// When it last got a token (written late, in batches).
    pub last_used_at: Option<Timestamp>,
}

/// A credential to add.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Its id.
    pub credential_id: Uuid,
    /// Whose it is.
    pub agent_id: Uuid,
    /// The hash of its secret, in the form of the secrets module. Never the secret.
    pub secret_hash: String,
    /// What it may ask for; `None`: whatever the agent may.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it gets no token.
    pub expires_at: Option<Timestamp>,
}

/// Gives a credential a new secret.
#[derive(Clone, Debug)]
pub struct RotateCredential {
    /// What the caller sees.
    pub reach: Reach,
    /// Whose credential.
    pub agent: Uuid,
    /// Which.
    pub credential: Uuid,
    /// Who does it: the agent itself or an active admin. `None` is the server itself.
    pub actor: Option<Uuid>,
    /// The hash of the new secret.
    pub secret_hash: String,
    /// `Some`: the new expiry of the credential; `None`: it stays as it is.
    pub expires_at: Option<Timestamp>,
    /// Until when the old secret, and tokens issued under it, still hold; `None`: they stop at once.
    pub old_stops_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
    /// What goes into the audit log.
    pub events: Vec<NewEvent>,
}

/// Ends a credential.
#[derive(Clone, Debug)]
pub struct RevokeCredential {
    /// What the caller sees.
    pub reach: Reach,
    /// Whose credential.
    pub agent: Uuid,
    /// Which.
    pub credential: Uuid,
    /// Who does it: the agent itself or an active admin. `None` is the server itself.
    pub actor: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// What goes into the audit log.
    pub events: Vec<NewEvent>,
}

/// A client as authentication needs it, read in one consistent look.
#[derive(Clone, Debug)]
pub struct ClientRecord {
    /// The agent, whatever its status.
    pub agent: AgentRecord,
    /// Whether its organization is the system one.
    pub organization_is_system: bool,
    /// Whether its organization may act.
    pub organization_status: OrganizationStatus,
    /// What its organization has agreed to.
    pub organization_tier: Tier,
    /// The generation a token of now names for the agent.
    pub agent_generation: i64,
    /// The generation a token of now names for the organization.
    pub organization_generation: i64,
    /// Its active credentials, newest first, expired ones included. A decommissioned agent shows those that were active until
    /// then: who still knows such a secret may learn why it gets no token.
    pub credentials: Vec<ClientCredential>,
    /// The revision this was read at: older than a change that the reader already knows of means stale.
    pub revision: Revision,
}

/// An active credential as authentication needs it.
#[derive(Clone, Debug)]
pub struct ClientCredential {
    /// Its id.
    pub credential_id: Uuid,
    /// What it may ask for; `None`: whatever the agent may.
    pub scopes: Option<Vec<String>>,
    /// From when on it gets no token.
    pub expires_at: Option<Timestamp>,
    /// The current secret first, then one that rotation left for a grace period.
    pub secrets: Vec<ClientSecretHash>,
}

/// One secret's hash. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecretHash {
    /// The hash, in the form of the secrets module.
    pub hash: String,
    /// What a token issued under it names for the credential.
    pub generation: i64,
    /// When a rotated secret stops; `None` for the current one.
    pub stops_at: Option<Timestamp>,
}

impl std::fmt::Debug for ClientSecretHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientSecretHash")
            .field("generation", &self.generation)
            .field("stops_at", &self.stops_at)
            .finish_non_exhaustive()
    }
}

/// How the text of a secret's hash begins when it only says where in Vault the hash is.
pub const IN_VAULT: &str = "vault$";

/// A revoked credential whose hash still stands in Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftInVault {
    /// Whose it was.
    pub agent_id: Uuid,
    /// Which.
    pub credential_id: Uuid,
    /// What stands in the place of its hash.
    pub stored: String,
    /// Whether decommissioning the agent ended it: then the secret still has to be known from a wrong one.
    pub ended_with_agent: bool,
}

/// Credentials.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// A credential of an agent within reach.
    async fn get(
        &self,
        reach: Reach,
        agent: Uuid,
        credential: Uuid,
    ) -> StorageResult<Option<CredentialRecord>>;
    /// An agent's credentials, newest first; with `revoked` only those that are, or are not. An unknown agent has none.
    async fn list(
        &self,
        reach: Reach,
        agent: Uuid,
        revoked: Option<bool>,
        paging: Paging,
    ) -> StorageResult<Page<CredentialRecord>>;
    /// Adds a credential. The actor is the agent itself or an active admin; `None` is the server itself.
    ///
    /// # Errors
    /// In this order: `NotFound`, `RoleRequired`, `AgentNotActive`, `CredentialLimit`.
    async fn insert(
        &self,
        reach: Reach,
        actor: Option<Uuid>,
        credential: NewCredential,
        events: Vec<NewEvent>,
    ) -> StorageResult<CredentialRecord>;
    /// Gives a credential a new secret and raises its generation, at once or when the old secret stops.
    ///
    /// # Errors
    /// In this order: `NotFound`, `RoleRequired`, `CredentialAlreadyRevoked`.
    async fn rotate(&self, rotate: RotateCredential) -> StorageResult<CredentialRecord>;
    /// Ends a credential and raises its generation.
    ///
    /// # Errors
    /// In this order: `NotFound`, `RoleRequired`, `CredentialAlreadyRevoked`.
    async fn revoke(&self, revoke: RevokeCredential) -> StorageResult<CredentialRecord>;
    /// What authenticating this client takes; `None` for an unknown one.
    async fn client(&self, client: Uuid) -> StorageResult<Option<ClientRecord>>;
    /// Notes when credentials were last used. Later wins; unknown ones are passed over.
    async fn touch(&self, used: &[(Uuid, Timestamp)]) -> StorageResult<()>;
    /// Replaces a secret's hash by another form of the same secret.
    ///
    /// # Errors
    /// `Conflict` when the hash is no longer `old`.
    async fn replace_hash(&self, credential: Uuid, old: &str, new: &str) -> StorageResult<()>;
    /// Revoked credentials whose hash still stands in Vault, oldest first, `most` at most.
    async fn left_in_vault(&self, most: u32) -> StorageResult<Vec<LeftInVault>>;
    /// How many active credentials, of all organizations, expire after `now` and not after `until`.
    async fn count_expiring(&self, now: Timestamp, until: Timestamp) -> StorageResult<u64>;
}

/// How many active credentials an agent may have.
pub const ACTIVE_CREDENTIALS_MAX: i64 = 10;

//! A client as authentication sees it: the stored record with its hashes read, and the rules that
//! follow from it alone - which secret is usable now, what it may ask for, whether it may act.

use std::sync::Arc;

use uuid::Uuid;

use super::in_vault::Found;
use crate::clock::Timestamp;
use crate::generated::{
    scopes::Scope,
    types::{AgentRole, AgentStatus},
};
use crate::policy::ScopeSet;
use crate::secrets::{Candidate, ImportedHash, SecretHash, SecretsError};
use crate::storage::{
    AgentRecord, ClientCredential, ClientRecord, OrganizationStatus, Revision, Tier,
};
use crate::vault::Reference;

/// A client, known or read just now.
#[derive(Debug)]
pub struct Client {
    /// The agent.
    pub agent: AgentRecord,
    /// The generation that a token of now names for the agent.
    pub agent_generation: i64,
    /// The generation that a token of now names for the organization.
    pub organization_generation: i64,
    /// When it was read.
    pub(super) revision: Revision,
    in_system_organization: bool,
    organization_tier: Tier,
    organization_is_active: bool,
    /// Every secret's hash, in the order of `secrets`.
    hashes: Vec<SecretHash>,
    secrets: Vec<ClientSecret>,
    /// The same of the secrets whose hash was made elsewhere and not replaced yet.
    imported_hashes: Arc<[ImportedHash]>,
    imported_secrets: Vec<ClientSecret>,
}

/// One secret of one credential, without its hash.
#[derive(Clone, Debug)]
pub struct ClientSecret {
    /// The credential.
    pub credential_id: Uuid,
    /// What a token issued under it names for the credential.
    pub generation: i64,
    /// What the store holds of its hash.
    pub(super) stored: Arc<str>,
    /// The credential's allow-list, if it has one.
    scopes: Option<ScopeSet>,
    /// The earlier of the credential's expiry and the end of a grace period.
    usable_until: Option<Timestamp>,
    /// Whether rotation left it for a grace period.
    is_ending: bool,
}

impl ClientSecret {
    /// Whether its hash may be replaced by another form; that of a secret which ends anyway stays.
    pub(super) fn may_change_form(&self) -> bool {
        !self.is_ending
    }

    fn is_usable(&self, now: Timestamp) -> bool {
        self.usable_until.is_none_or(|end| now < end)
    }
}

impl Client {
    /// Reads a stored record, with the hashes that stand in Vault as far as they were read there. Those of a form that
    /// this version does not know are passed over.
    pub(super) fn of(record: ClientRecord, in_vault: &Found) -> Self {
        let mut hashes = Vec::new();
        let mut secrets = Vec::new();
        let mut imported_hashes = Vec::new();
        let mut imported_secrets = Vec::new();
        for credential in &record.credentials {
            for (hash, secret) in read_secrets(credential, in_vault) {
                match hash {
                    StoredHash::Keyed(hash) => {
                        hashes.push(hash);
                        secrets.push(secret);
                    }
                    StoredHash::Imported(hash) => {
                        imported_hashes.push(hash);
                        imported_secrets.push(secret);
                    }
                }
            }
        }
        Self {
            agent_generation: record.agent_generation,
            organization_generation: record.organization_generation,
            revision: record.revision,
            in_system_organization: record.organization_is_system,
            organization_tier: record.organization_tier,
            organization_is_active: record.organization_status == OrganizationStatus::Active,
            agent: record.agent,
            hashes,
            secrets,
            imported_hashes: imported_hashes.into(),
            imported_secrets,
        }
    }

    /// The secret that was presented, with its hash, if it is one of this client's and usable at
    /// `now`.
    pub(super) fn find(
        &self,
        candidate: &Candidate,
        now: Timestamp,
    ) -> Option<(&SecretHash, &ClientSecret)> {
        let position = candidate.position(&self.hashes)?;
        let secret = self.secrets.get(position).filter(|it| it.is_usable(now))?;
        Some((self.hashes.get(position)?, secret))
    }

    /// The hashes that were made elsewhere: see [`Self::imported`].
    pub(super) fn imported_hashes(&self) -> &Arc<[ImportedHash]> {
        &self.imported_hashes
    }

    /// The secret at that position of [`Self::imported_hashes`], if it is usable at `now`.
    pub(super) fn imported(&self, position: usize, now: Timestamp) -> Option<&ClientSecret> {
        let secret = self.imported_secrets.get(position)?;
        Some(secret).filter(|it| it.is_usable(now))
    }

    /// Whether the agent and its organization may act.
    pub fn may_act(&self) -> bool {
        self.agent.status == AgentStatus::Active && self.organization_is_active
    }

    /// Whether it may carry `admin:orgs`: an admin of the system organization.
    pub fn may_cross_organizations(&self) -> bool {
        self.in_system_organization && self.agent.role == AgentRole::Admin
    }

    /// What holds for its organization.
    pub fn tier(&self) -> Tier {
        Tier::in_effect(self.organization_tier, self.in_system_organization)
    }

    /// What a credential of this client may ask for.
    pub fn permitted(&self, secret: &ClientSecret) -> ScopeSet {
        let listed = secret.scopes.unwrap_or_else(|| ScopeSet::of(Scope::ALL));
        if self.may_cross_organizations() {
            listed
        } else {
            listed.without(Scope::AdminOrgs)
        }
    }
}

/// A stored hash, read.
enum StoredHash {
    Keyed(SecretHash),
    Imported(ImportedHash),
}

impl StoredHash {
    fn parse(text: &str) -> Result<Self, SecretsError> {
        match SecretHash::parse(text) {
            Ok(hash) => Ok(Self::Keyed(hash)),
            Err(_) => ImportedHash::parse(text).map(Self::Imported),
        }
    }
}

fn read_secrets(
    credential: &ClientCredential,
    in_vault: &Found,
) -> Vec<(StoredHash, ClientSecret)> {
    // A scope that this version does not know cannot be asked for; the others of the list can.
    let known = |names: &Vec<String>| {
        let scopes = names.iter().filter_map(|name| Scope::parse(name));
        scopes.fold(ScopeSet::EMPTY, ScopeSet::with)
    };
    let scopes = credential.scopes.as_ref().map(known);
    let mut read = Vec::with_capacity(credential.secrets.len());
    for secret in &credential.secrets {
        let hash = match Reference::parse(&secret.hash) {
            None => secret.hash.as_str(),
            Some(reference) => match in_vault.get(&reference.id) {
                Some(hash) => hash,
                // Not read yet, or not there.
                None => continue,
            },
        };
        match StoredHash::parse(hash) {
            Ok(hash) => read.push((
                hash,
                ClientSecret {
                    credential_id: credential.credential_id,
                    generation: secret.generation,
                    stored: secret.hash.as_str().into(),
                    scopes,
                    usable_until: earlier(credential.expires_at, secret.stops_at),
                    is_ending: secret.stops_at.is_some(),
                },
            )),
            Err(error) => {
                tracing::warn!(credential = %credential.credential_id, %error, "a secret hash is passed over");
            }
        }
    }
    read
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

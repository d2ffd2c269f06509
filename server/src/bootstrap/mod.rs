//! First start: the system organization, its admin agent, and the one file that says how to call.
//!
//! Owns `bootstrap.json` (0600, in the data directory). The secret in it is printed nowhere else by this module and is
//! stored as a hash. Refuses to found twice: a second start finds the organization and leaves the file alone.

mod file;

use std::{io, path::Path};

use thiserror::Error;
use uuid::Uuid;

pub use file::{BOOTSTRAP_FILE_NAME, BootstrapFile};

use crate::{
    audit::{AuditAction, NewEvent},
    clock::{Clock, Timestamp},
    generated::types::{AgentRole, AgentType, DeploymentEnv},
    secrets::{Secrets, SecretsError},
    storage::{
        AgentRecord, Founding, NewAgent, NewCredential, OrganizationRecord, OrganizationStatus,
        Reach, RevokeCredential, Storage, StorageError, Tier,
    },
    vault::{KeepError, Keeper},
    wire::Secret,
};

/// Under this name the store remembers which agent is the bootstrap admin.
const ADMIN: &str = "bootstrap/admin";
/// How it is found when the first start was killed before that was noted, and its data directory is gone.
const ADMIN_EMAIL: &str = "bootstrap-admin@agentidp.internal";

/// Why the first start failed.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// The store refused or is away.
    #[error("cannot write the first organization: {0}")]
    Storage(#[from] StorageError),
    /// The secret could not be made.
    #[error("cannot make the first secret: {0}")]
    Secrets(#[from] SecretsError),
    /// The hash of the secret could not be kept.
    #[error("cannot keep the first secret: {0}")]
    Keep(#[from] KeepError),
    /// The file could not be written.
    #[error("cannot write {name} in the data directory: {0}", name = BOOTSTRAP_FILE_NAME)]
    File(#[from] io::Error),
    /// There is nothing to reset.
    #[error("there is no bootstrap admin: start the server once first")]
    NotFounded,
}

/// What founding needs.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Where `bootstrap.json` goes.
    pub data_dir: &'a Path,
    /// What `bootstrap.json` says of where to call.
    pub base_url: &'a str,
    /// The store.
    pub storage: &'a dyn Storage,
    /// Makes and hashes the secret.
    pub secrets: &'a Secrets,
    /// Keeps its hash.
    pub keeper: &'a Keeper,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Founds the system organization unless there is one. Answers what was written, once: on the first start.
///
/// # Errors
/// See [`BootstrapError`].
pub async fn ensure(parts: Parts<'_>) -> Result<Option<BootstrapFile>, BootstrapError> {
    if parts.storage.organizations().system().await?.is_some() {
        finish_interrupted(&parts).await?;
        return Ok(None);
    }
    let (founding, file) = found(&parts).await?;
    let admin = founding.admin.agent_id;
    let credential = founding.credential.credential_id;
    // The secret exists nowhere but in this file: it is on the disk, under a name of its own, before anything depends on it.
    let pending = file.write_pending(parts.data_dir, credential)?;
    match parts.storage.organizations().found(founding).await {
        Ok(()) => {}
        Err(StorageError::Conflict) => {
            // Another process was first; its file is the one that counts.
            pending.discard()?;
            let refusal = StorageError::Conflict;
            parts.keeper.withdraw(admin, credential, &refusal).await;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    parts
        .storage
        .materials()
        .get_or_insert(ADMIN, admin.as_bytes())
        .await?;
    pending.publish()?;
    Ok(Some(file))
}

/// Gives the bootstrap admin a fresh credential, for an operator who lost the secret, and writes `bootstrap.json` anew.
/// What it had before is revoked.
///
/// # Errors
/// See [`BootstrapError`].
pub async fn reset(parts: Parts<'_>) -> Result<BootstrapFile, BootstrapError> {
    let agent = first_admin(&parts)
        .await?
        .ok_or(BootstrapError::NotFounded)?;
    let admin = agent.agent_id;
    let now = parts.clock.now();
    revoke_old(&parts, admin, agent.organization_id, now).await?;
    let secret = parts.secrets.generate_client_secret()?;
    let credential = credential(&parts, admin, &secret, now).await?;
    let event = NewEvent::of_server(
        agent.organization_id,
        Some(admin),
        AuditAction::CredentialGenerated,
    )
    .with("credentialId", credential.credential_id.to_string());
    let file = BootstrapFile::new(parts.base_url, admin, agent.organization_id, secret);
    let id = credential.credential_id;
    let pending = file.write_pending(parts.data_dir, id)?;
    parts
        .storage
        .credentials()
        .insert(Reach::Everywhere, None, credential, vec![event])
        .await?;
    file.publish(pending, parts.data_dir, id)?;
    Ok(file)
}

async fn first_admin(parts: &Parts<'_>) -> Result<Option<AgentRecord>, StorageError> {
    let (materials, agents) = (parts.storage.materials(), parts.storage.agents());
    let noted = materials.get(ADMIN).await?;
    if let Some(id) = noted.and_then(|id| Uuid::from_slice(&id).ok()) {
        return agents.get(Reach::Everywhere, id).await;
    }
    match parts.storage.organizations().system().await? {
        Some(system) => {
            let organization = system.organization_id;
            agents.get_by_email(organization, ADMIN_EMAIL).await
        }
        None => Ok(None),
    }
}

async fn found(parts: &Parts<'_>) -> Result<(Founding, BootstrapFile), BootstrapError> {
    let now = parts.clock.now();
    let organization = OrganizationRecord {
        organization_id: Uuid::now_v7(),
        name: "System".to_owned(),
        slug: "system".to_owned(),
        status: OrganizationStatus::Active,
        tier: Tier::Enterprise,
        is_system: true,
        created_at: now,
        updated_at: now,
    };
    let admin = NewAgent {
        agent_id: Uuid::now_v7(),
        organization_id: organization.organization_id,
        role: AgentRole::Admin,
        email: ADMIN_EMAIL.to_owned(),
        agent_type: AgentType::Custom,
        version: "1.0.0".to_owned(),
        capabilities: vec!["agentidp:*".to_owned()],
        owner: "agentidp".to_owned(),
        deployment_env: DeploymentEnv::Production,
        is_public: false,
        created_at: now,
    };
    let secret = parts.secrets.generate_client_secret()?;
    let credential = credential(parts, admin.agent_id, &secret, now).await?;
    let file = BootstrapFile::new(
        parts.base_url,
        admin.agent_id,
        organization.organization_id,
        secret,
    );
    let about = |action, agent| NewEvent::of_server(organization.organization_id, agent, action);
    let events = vec![
        about(AuditAction::OrgCreated, None),
        about(AuditAction::AgentCreated, Some(admin.agent_id)),
        about(AuditAction::CredentialGenerated, Some(admin.agent_id))
            .with("credentialId", credential.credential_id.to_string()),
    ];
    Ok((
        Founding {
            organization,
            admin,
            credential,
            events,
        },
        file,
    ))
}

/// Without an allow-list: an admin of the system organization may ask for every scope, `admin:orgs` too.
async fn credential(
    parts: &Parts<'_>,
    admin: Uuid,
    secret: &Secret,
    now: Timestamp,
) -> Result<NewCredential, BootstrapError> {
    let credential_id = Uuid::now_v7();
    let hash = parts.secrets.hash_client_secret(secret)?;
    Ok(NewCredential {
        credential_id,
        agent_id: admin,
        secret_hash: parts.keeper.keep_first(admin, credential_id, hash).await?,
        scopes: None,
        created_at: now,
        expires_at: None,
    })
}

async fn revoke_old(
    parts: &Parts<'_>,
    admin: Uuid,
    organization: Uuid,
    at: Timestamp,
) -> Result<(), BootstrapError> {
    let Some(client) = parts.storage.credentials().client(admin).await? else {
        return Err(BootstrapError::NotFounded);
    };
    for credential in client.credentials {
        let event = NewEvent::of_server(organization, Some(admin), AuditAction::CredentialRevoked)
            .with("credentialId", credential.credential_id.to_string());
        let revoke = RevokeCredential {
            reach: Reach::Everywhere,
            agent: admin,
            credential: credential.credential_id,
            actor: None,
            at,
            events: vec![event],
        };
        parts.storage.credentials().revoke(revoke).await?;
    }
    Ok(())
}

/// A start (or reset) that was killed before its file had its name left it under the pending one.
async fn finish_interrupted(parts: &Parts<'_>) -> Result<(), BootstrapError> {
    for pending in file::Pending::find(parts.data_dir)? {
        let client = parts.storage.credentials().client(pending.client()).await?;
        let known = client.is_some_and(|client| {
            client
                .credentials
                .iter()
                .any(|known| known.credential_id == pending.credential())
        });
        if known {
            parts
                .storage
                .materials()
                .get_or_insert(ADMIN, pending.client().as_bytes())
                .await?;
            pending.publish()?;
        } else {
            pending.discard()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

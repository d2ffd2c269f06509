//! Section credentials: client ids and secrets of agents.
//!
//! Owns what a credential may be limited to, that nobody hands out more than he has, and the one moment in which its secret is shown.
//! Refuses hashing and randomness (`secrets`), SQL and HTTP. That the caller may do it, that the
//! agent is active and that there are not too many is judged inside the store's transaction.

mod allowance;
mod guard;
mod view;

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use allowance::Allowance;
pub use guard::Guard;

use crate::{
    audit::{AuditAction, NewEvent},
    call::{Call, Caller},
    clock::{Clock, Timestamp},
    error::ApiError,
    generated::{
        codes::Code,
        credentials::Credentials,
        types::{
            CredentialStatus, CredentialWithSecret, GenerateCredentialRequest,
            ListCredentialsParams, PaginatedCredentials, RotateCredentialRequest,
        },
    },
    http::{Reply, Unchecked},
    secrets::Secrets,
    storage::{
        AgentRecord, CredentialRecord, NewCredential, Paging, RevokeCredential, RotateCredential,
        Storage, StorageError,
    },
};

/// The section.
pub struct Service {
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
}

impl Service {
    /// Over that store.
    pub fn new(storage: Arc<dyn Storage>, secrets: Secrets, clock: Arc<dyn Clock>) -> Self {
        Self {
            storage,
            secrets,
            clock,
        }
    }

    async fn agent(&self, caller: &Caller, agent_id: Uuid) -> Result<AgentRecord, ApiError> {
        let found = self.storage.agents().get(caller.reach(), agent_id).await;
        let missing = || ApiError::new(Code::AgentNotFound);
        found
            .map_err(|e| ApiError::storage(e, Code::AgentNotFound))?
            .ok_or_else(missing)
    }

    /// The credential of an agent that the caller may manage.
    async fn managed(
        &self,
        caller: &Caller,
        agent_id: Uuid,
        credential_id: Uuid,
    ) -> Result<CredentialRecord, ApiError> {
        self.agent(caller, agent_id).await?;
        let found = self
            .storage
            .credentials()
            .get(caller.reach(), agent_id, credential_id)
            .await;
        let found = found
            .map_err(refused)?
            .ok_or_else(|| ApiError::new(Code::CredentialNotFound))?;
        caller.must_manage(agent_id)?;
        Ok(found)
    }
}

impl Credentials for Service {
    async fn generate_credential(
        &self,
        call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        input: Unchecked<GenerateCredentialRequest>,
    ) -> Result<Reply<CredentialWithSecret>, ApiError> {
        let agent = self.agent(caller, agent_id).await?;
        caller.must_manage(agent_id)?;
        let wanted = input.check()?;
        let now = self.clock.now();
        let expires_at = in_the_future(wanted.expires_at, now)?;
        let allowance = Allowance::of(caller, &*self.storage).await?;
        let scopes = allowance.for_new(wanted.scopes)?;
        let secret = self
            .secrets
            .generate_client_secret()
            .map_err(ApiError::internal)?;
        let credential = NewCredential {
            credential_id: Uuid::now_v7(),
            agent_id,
            secret_hash: self
                .secrets
                .hash_client_secret(&secret)
                .map_err(ApiError::internal)?,
            scopes,
            created_at: now,
            expires_at,
        };
        let event = NewEvent::of(
            call,
            caller,
            agent.organization_id,
            agent_id,
            AuditAction::CredentialGenerated,
        )
        .with("credentialId", credential.credential_id.to_string());
        let store = self.storage.credentials();
        let inserted = store
            .insert(
                caller.reach(),
                Some(caller.agent_id),
                credential,
                vec![event],
            )
            .await;
        let credential = inserted.map_err(|e| ApiError::storage(e, Code::AgentNotFound))?;
        let id = credential.credential_id;
        Ok(Reply::new(view::with_secret(credential, secret)).replay_guard(agent_id, id))
    }

    async fn list_credentials(
        &self,
        _call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        input: Unchecked<ListCredentialsParams>,
    ) -> Result<Reply<PaginatedCredentials>, ApiError> {
        self.agent(caller, agent_id).await?;
        let wanted = input.check()?;
        let revoked = wanted
            .status
            .map(|status| status == CredentialStatus::Revoked);
        let paging = Paging::from_query(wanted.page, wanted.limit);
        let page = self
            .storage
            .credentials()
            .list(caller.reach(), agent_id, revoked, paging)
            .await
            .map_err(refused)?;
        Ok(PaginatedCredentials {
            data: page.items.into_iter().map(view::credential).collect(),
            total: i64::try_from(page.total).unwrap_or(i64::MAX),
            page: wanted.page,
            limit: wanted.limit,
        }
        .into())
    }

    async fn rotate_credential(
        &self,
        call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        credential_id: Uuid,
        input: Unchecked<RotateCredentialRequest>,
    ) -> Result<Reply<CredentialWithSecret>, ApiError> {
        let before = self.managed(caller, agent_id, credential_id).await?;
        let allowance = Allowance::of(caller, &*self.storage).await?;
        allowance.for_existing(before.scopes.as_deref())?;
        let wanted = input.check()?;
        let now = self.clock.now();
        let grace = Duration::from_secs(wanted.grace_period_seconds.unsigned_abs());
        let secret = self
            .secrets
            .generate_client_secret()
            .map_err(ApiError::internal)?;
        let rotate = RotateCredential {
            reach: caller.reach(),
            agent: agent_id,
            credential: credential_id,
            actor: Some(caller.agent_id),
            secret_hash: self
                .secrets
                .hash_client_secret(&secret)
                .map_err(ApiError::internal)?,
            expires_at: in_the_future(wanted.expires_at, now)?,
            old_stops_at: (!grace.is_zero()).then(|| now.plus(grace)),
            at: now,
            events: vec![
                event(call, caller, &before, AuditAction::CredentialRotated)
                    .with("gracePeriodSeconds", wanted.grace_period_seconds),
            ],
        };
        let credential = self
            .storage
            .credentials()
            .rotate(rotate)
            .await
            .map_err(refused)?;
        Ok(Reply::new(view::with_secret(credential, secret)).replay_guard(agent_id, credential_id))
    }

    async fn revoke_credential(
        &self,
        call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        credential_id: Uuid,
        input: Unchecked<()>,
    ) -> Result<Reply<()>, ApiError> {
        let before = self.managed(caller, agent_id, credential_id).await?;
        input.check()?;
        let revoke = RevokeCredential {
            reach: caller.reach(),
            agent: agent_id,
            credential: credential_id,
            actor: Some(caller.agent_id),
            at: self.clock.now(),
            events: vec![event(call, caller, &before, AuditAction::CredentialRevoked)],
        };
        self.storage
            .credentials()
            .revoke(revoke)
            .await
            .map_err(refused)?;
        Ok(Reply::empty())
    }
}

fn event(call: &Call, caller: &Caller, about: &CredentialRecord, action: AuditAction) -> NewEvent {
    NewEvent::of(call, caller, about.organization_id, about.agent_id, action)
        .with("credentialId", about.credential_id.to_string())
}

fn in_the_future(moment: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    match moment {
        Some(moment) if moment <= now => {
            Err(ApiError::invalid("expiresAt", "must be in the future"))
        }
        other => Ok(other),
    }
}

fn refused(error: StorageError) -> ApiError {
    ApiError::storage(error, Code::CredentialNotFound)
}

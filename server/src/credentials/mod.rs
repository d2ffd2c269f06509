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
    idempotency::with_answer,
    secrets::Secrets,
    storage::{
        AgentRecord, CredentialRecord, NewCredential, Paging, RevokeCredential, RotateCredential,
        Storage, StorageError,
    },
    vault::Keeper,
    wire::Secret,
};

/// The section.
pub struct Service {
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    keeper: Arc<Keeper>,
    clock: Arc<dyn Clock>,
}

impl Service {
    /// Over that store.
    pub fn new(
        storage: Arc<dyn Storage>,
        secrets: Secrets,
        keeper: Arc<Keeper>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            storage,
            secrets,
            keeper,
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

    fn hash(&self, secret: &Secret) -> Result<String, ApiError> {
        let hashed = self.secrets.hash_client_secret(secret);
        hashed.map_err(ApiError::internal)
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
        let credential_id = Uuid::now_v7();
        let hash = self.hash(&secret)?;
        let credential = NewCredential {
            credential_id,
            agent_id,
            secret_hash: self
                .keeper
                .keep_first(agent_id, credential_id, hash)
                .await?,
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
        let insert = self.storage.credentials().insert(
            caller.reach(),
            Some(caller.agent_id),
            credential,
            vec![event],
        );
        let inserted = with_answer(insert, showing(secret)).await;
        if let Err(refusal) = &inserted {
            self.keeper.withdraw(agent_id, credential_id, refusal).await;
        }
        inserted.map_err(|e| ApiError::storage(e, Code::AgentNotFound))
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
        let expires_at = in_the_future(wanted.expires_at, now)?;
        // The store judges it again; but a hash that is kept for a credential which has ended would stay in Vault.
        if before.revoked_at.is_some() {
            return Err(refused(StorageError::CredentialAlreadyRevoked));
        }
        let grace = Duration::from_secs(wanted.grace_period_seconds.unsigned_abs());
        let secret = self
            .secrets
            .generate_client_secret()
            .map_err(ApiError::internal)?;
        let hash = self.hash(&secret)?;
        let which = (agent_id, credential_id);
        let keeping = self.keeper.keep_next(&*self.storage, which, hash, now);
        let rotate = RotateCredential {
            reach: caller.reach(),
            agent: agent_id,
            credential: credential_id,
            actor: Some(caller.agent_id),
            secret_hash: keeping.await?,
            expires_at,
            old_stops_at: (!grace.is_zero()).then(|| now.plus(grace)),
            at: now,
            events: vec![
                event(call, caller, &before, AuditAction::CredentialRotated)
                    .with("gracePeriodSeconds", wanted.grace_period_seconds),
            ],
        };
        let rotated = self.storage.credentials().rotate(rotate);
        with_answer(rotated, showing(secret)).await.map_err(refused)
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
        let revoked = self.storage.credentials().revoke(revoke);
        with_answer(revoked, |_| Reply::empty())
            .await
            .map_err(refused)
    }
}

/// The one answer that shows this secret.
fn showing(
    secret: Secret,
) -> impl Fn(CredentialRecord) -> Reply<CredentialWithSecret> + Send + Sync {
    move |credential| {
        let (agent, id) = (credential.agent_id, credential.credential_id);
        Reply::new(view::with_secret(credential, secret.clone())).replay_guard(agent, id)
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

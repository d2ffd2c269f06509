//! Changing and ending an agent: every rule is judged on what the transaction itself reads.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    credential_changes::revoke_all, failure::failed, rows::agent, transaction::Transaction,
};
use crate::{
    clock::Timestamp,
    generated::types::AgentStatus,
    storage::{
        AgentChange, AgentEvents, AgentPatch, AgentRecord, Dependency, Reach, StorageError,
        StorageResult,
        writer::{Command, UnitOfWork as _},
    },
};

/// What shall become of the agent.
pub(super) enum Wanted {
    /// Some fields change.
    Patch(AgentPatch),
    /// It ends.
    End,
}

/// Changes an agent.
pub(super) struct ChangeAgent {
    pub reach: Reach,
    pub agent: Uuid,
    pub actor: Option<Uuid>,
    pub wanted: Wanted,
    pub at: Timestamp,
    pub events: AgentEvents,
}

impl Command<Transaction> for ChangeAgent {
    type Output = AgentRecord;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<AgentRecord> {
        let connection = transaction.within(self.reach).await?;
        let before = read_within(connection, self.reach, self.agent).await?;
        check_actor(connection, self.actor, self.agent).await?;
        if before.status == AgentStatus::Decommissioned {
            return Err(StorageError::AlreadyDecommissioned);
        }
        let mut after = self.apply(&before);
        if after == before {
            return Ok(before);
        }
        if before.is_active_admin()
            && !after.is_active_admin()
            && is_last_admin(transaction.within(self.reach).await?, &before).await?
        {
            return Err(StorageError::LastAdmin);
        }
        after.updated_at = self.at.max(before.updated_at);
        write(transaction.within(self.reach).await?, &after).await?;
        let revoked_credentials = follow(transaction, &before, &after, self.at).await?;
        let change = AgentChange {
            before,
            after,
            revoked_credentials,
        };
        transaction.staged().record(self.events.of(&change));
        Ok(change.after)
    }
}

impl ChangeAgent {
    fn apply(&self, before: &AgentRecord) -> AgentRecord {
        let mut after = before.clone();
        match &self.wanted {
            Wanted::End => after.status = AgentStatus::Decommissioned,
            Wanted::Patch(patch) => patch.apply(&mut after),
        }
        after
    }
}

/// What else the change does: ends tokens and credentials, and makes followers forget what they cached.
async fn follow(
    transaction: &mut Transaction,
    before: &AgentRecord,
    after: &AgentRecord,
    at: Timestamp,
) -> StorageResult<Vec<Uuid>> {
    let mut revoked = Vec::new();
    if after.status != before.status {
        if after.status == AgentStatus::Decommissioned {
            revoked = revoke_all(transaction, after.agent_id, at).await?;
        }
        if after.status != AgentStatus::Active {
            transaction
                .raise_by_one(Dependency::Agent, after.agent_id)
                .await?;
        }
    }
    // Role, status and what an id_token shows are part of what authentication reads.
    transaction.touch_client(after.agent_id).await?;
    Ok(revoked)
}

/// An agent, as the transaction sees it.
///
/// # Errors
/// `NotFound` for one that is unknown or out of reach.
pub(super) async fn read_within(
    connection: &mut PgConnection,
    reach: Reach,
    id: Uuid,
) -> StorageResult<AgentRecord> {
    let row = sqlx::query("SELECT * FROM agents WHERE agent_id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .ok_or(StorageError::NotFound)?;
    let agent = agent(&row)?;
    if reach.covers(agent.organization_id) {
        Ok(agent)
    } else {
        Err(StorageError::NotFound)
    }
}

/// The actor must be the agent itself or an active admin; whose organization the admin sees was judged by the reach.
///
/// # Errors
/// `RoleRequired`.
pub(super) async fn check_actor(
    connection: &mut PgConnection,
    actor: Option<Uuid>,
    target: Uuid,
) -> StorageResult<()> {
    let Some(actor) = actor.filter(|actor| *actor != target) else {
        return Ok(());
    };
    let admin: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM agents WHERE agent_id = $1 AND role = 'admin' AND status = 'active')")
        .bind(actor)
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    if admin {
        Ok(())
    } else {
        Err(StorageError::RoleRequired)
    }
}

async fn is_last_admin(connection: &mut PgConnection, agent: &AgentRecord) -> StorageResult<bool> {
    let others: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM agents WHERE organization_id = $1 AND role = 'admin' AND status = 'active' AND agent_id <> $2)",
    )
    .bind(agent.organization_id)
    .bind(agent.agent_id)
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(!others)
}

async fn write(connection: &mut PgConnection, agent: &AgentRecord) -> StorageResult<()> {
    sqlx::query(
        "UPDATE agents SET role = $1, agent_type = $2, version = $3, capabilities = $4, owner = $5, deployment_env = $6, status = $7,
         is_public = $8, updated_at = $9 WHERE agent_id = $10",
    )
    .bind(agent.role.as_str())
    .bind(agent.agent_type.as_str())
    .bind(agent.version.clone())
    .bind(agent.capabilities.clone())
    .bind(agent.owner.clone())
    .bind(agent.deployment_env.as_str())
    .bind(agent.status.as_str())
    .bind(agent.is_public)
    .bind(agent.updated_at.ms())
    .bind(agent.agent_id)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

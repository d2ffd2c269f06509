//! Changing and ending an agent: every rule is judged on what the transaction itself reads.

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{
    credential_changes::revoke_all,
    failure::failed,
    rows::{agent, bytes, list},
    transaction::Transaction,
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
        let before = read_within(transaction.connection(), self.reach, self.agent).await?;
        check_actor(transaction.connection(), self.actor, self.agent).await?;
        if before.status == AgentStatus::Decommissioned {
            return Err(StorageError::AlreadyDecommissioned);
        }
        let mut after = self.apply(&before);
        if after == before {
            return Ok(before);
        }
        if before.is_active_admin()
            && !after.is_active_admin()
            && is_last_admin(transaction.connection(), &before).await?
        {
            return Err(StorageError::LastAdmin);
        }
        after.updated_at = self.at.max(before.updated_at);
        write(transaction.connection(), &after).await?;
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
    connection: &mut SqliteConnection,
    reach: Reach,
    id: Uuid,
) -> StorageResult<AgentRecord> {
    let row = sqlx::query("SELECT * FROM agents WHERE agent_id = ?")
        .bind(bytes(id))
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
    connection: &mut SqliteConnection,
    actor: Option<Uuid>,
    target: Uuid,
) -> StorageResult<()> {
    let Some(actor) = actor.filter(|actor| *actor != target) else {
        return Ok(());
    };
    let admin: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM agents WHERE agent_id = ? AND role = 'admin' AND status = 'active')")
        .bind(bytes(actor))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    if admin {
        Ok(())
    } else {
        Err(StorageError::RoleRequired)
    }
}

async fn is_last_admin(
    connection: &mut SqliteConnection,
    agent: &AgentRecord,
) -> StorageResult<bool> {
    let others: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM agents WHERE organization_id = ? AND role = 'admin' AND status = 'active' AND agent_id <> ?)",
    )
    .bind(bytes(agent.organization_id))
    .bind(bytes(agent.agent_id))
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(!others)
}

async fn write(connection: &mut SqliteConnection, agent: &AgentRecord) -> StorageResult<()> {
    sqlx::query(
        "UPDATE agents SET role = ?, agent_type = ?, version = ?, capabilities = ?, owner = ?, deployment_env = ?, status = ?,
         is_public = ?, updated_at = ? WHERE agent_id = ?",
    )
    .bind(agent.role.as_str())
    .bind(agent.agent_type.as_str())
    .bind(agent.version.clone())
    .bind(list(&agent.capabilities))
    .bind(agent.owner.clone())
    .bind(agent.deployment_env.as_str())
    .bind(agent.status.as_str())
    .bind(agent.is_public)
    .bind(agent.updated_at.ms())
    .bind(bytes(agent.agent_id))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

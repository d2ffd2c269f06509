//! Reading agents, and adding one.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use uuid::Uuid;

use super::{
    SqliteStorage,
    agent_changes::{ChangeAgent, Wanted},
    failure::failed,
    rows::{agent, bytes, count, list, number, organization},
    transaction::Transaction,
};
use crate::{
    audit::{NewEvent, SealedEvent},
    generated::types::AgentStatus,
    storage::{
        AgentFilter, AgentRecord, AgentStore, AgentsMax, DecommissionAgent, NewAgent, Page, Paging,
        Reach, StorageError, StorageResult, Tier, UpdateAgent,
        words::email_key,
        writer::{Command, UnitOfWork as _},
    },
};

#[async_trait]
impl AgentStore for SqliteStorage {
    async fn get(&self, reach: Reach, id: Uuid) -> StorageResult<Option<AgentRecord>> {
        let found = self.lookup.agent(id).await?;
        Ok(found.filter(|agent| reach.covers(agent.organization_id)))
    }

    async fn get_by_email(
        &self,
        organization: Uuid,
        email: &str,
    ) -> StorageResult<Option<AgentRecord>> {
        sqlx::query("SELECT * FROM agents WHERE organization_id = ? AND email_key = ?")
            .bind(bytes(organization))
            .bind(email_key(email))
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?
            .map(|row| agent(&row))
            .transpose()
    }

    async fn list(
        &self,
        reach: Reach,
        filter: &AgentFilter,
        paging: Paging,
    ) -> StorageResult<Page<AgentRecord>> {
        let mut look = self.readers.begin().await.map_err(failed)?;
        let mut counting = QueryBuilder::new("SELECT count(*) AS total FROM agents WHERE true");
        restrict(&mut counting, reach, filter);
        let total = count(
            &counting
                .build()
                .fetch_one(&mut *look)
                .await
                .map_err(failed)?,
            "total",
        )?;
        let mut reading = QueryBuilder::new("SELECT * FROM agents WHERE true");
        restrict(&mut reading, reach, filter);
        reading.push(" ORDER BY position DESC LIMIT ");
        reading.push_bind(i64::from(paging.limit));
        reading.push(" OFFSET ");
        reading.push_bind(number(paging.offset()));
        let rows = reading
            .build()
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?;
        look.commit().await.map_err(failed)?;
        Ok(Page {
            items: rows.iter().map(agent).collect::<StorageResult<_>>()?,
            total,
        })
    }

    async fn insert(
        &self,
        agent: NewAgent,
        agents_max: AgentsMax,
        events: Vec<NewEvent>,
    ) -> StorageResult<AgentRecord> {
        let events = self.seal(events);
        self.writer
            .change(Register {
                agent,
                agents_max,
                events,
            })
            .await
    }

    async fn update(&self, update: UpdateAgent) -> StorageResult<AgentRecord> {
        let UpdateAgent {
            reach,
            agent,
            actor,
            patch,
            at,
            events,
        } = update;
        self.writer
            .change(ChangeAgent {
                reach,
                agent,
                actor,
                wanted: Wanted::Patch(patch),
                at,
                events,
            })
            .await
    }

    async fn decommission(&self, decommission: DecommissionAgent) -> StorageResult<AgentRecord> {
        let DecommissionAgent {
            reach,
            agent,
            actor,
            at,
            events,
        } = decommission;
        self.writer
            .change(ChangeAgent {
                reach,
                agent,
                actor,
                wanted: Wanted::End,
                at,
                events,
            })
            .await
    }
}

fn restrict(query: &mut QueryBuilder<Sqlite>, reach: Reach, filter: &AgentFilter) {
    if let Reach::Organization(organization) = reach {
        query
            .push(" AND organization_id = ")
            .push_bind(bytes(organization));
    }
    if let Some(owner) = &filter.owner {
        query.push(" AND owner = ").push_bind(owner.clone());
    }
    if let Some(agent_type) = filter.agent_type {
        query
            .push(" AND agent_type = ")
            .push_bind(agent_type.as_str());
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status.as_str());
    }
    if let Some(env) = filter.deployment_env {
        query.push(" AND deployment_env = ").push_bind(env.as_str());
    }
    if let Some(part) = &filter.email_part {
        query
            .push(" AND instr(email_key, ")
            .push_bind(email_key(part))
            .push(") > 0");
    }
}

struct Register {
    agent: NewAgent,
    agents_max: AgentsMax,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for Register {
    type Output = AgentRecord;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<AgentRecord> {
        let row = sqlx::query("SELECT * FROM organizations WHERE organization_id = ?")
            .bind(bytes(self.agent.organization_id))
            .fetch_optional(transaction.connection())
            .await
            .map_err(failed)?
            .ok_or(StorageError::NotFound)?;
        let organization = organization(&row)?;
        let tier = Tier::in_effect(organization.tier, organization.is_system);
        if let Some(max) = (self.agents_max)(tier)
            && has_agents(transaction.connection(), self.agent.organization_id, max).await?
        {
            return Err(StorageError::AgentLimit { tier, max });
        }
        let record = insert_agent(transaction.connection(), &self.agent).await?;
        transaction.staged().add_all(&self.events);
        Ok(record)
    }
}

/// Whether an organization has that many agents, those left out that are decommissioned. It does not count further.
async fn has_agents(
    connection: &mut SqliteConnection,
    organization: Uuid,
    number: u32,
) -> StorageResult<bool> {
    sqlx::query_scalar(
        "SELECT count(*) >= ?2 FROM
         (SELECT 1 FROM agents WHERE organization_id = ?1 AND status <> 'decommissioned' LIMIT ?2)",
    )
    .bind(bytes(organization))
    .bind(i64::from(number))
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Adds an agent.
///
/// # Errors
/// `EmailTaken`.
pub(super) async fn insert_agent(
    connection: &mut SqliteConnection,
    new: &NewAgent,
) -> StorageResult<AgentRecord> {
    sqlx::query(
        "INSERT INTO agents (agent_id, organization_id, role, email, email_key, agent_type, version, capabilities, owner,
         deployment_env, status, is_public, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (organization_id, email_key) DO NOTHING RETURNING *",
    )
    .bind(bytes(new.agent_id))
    .bind(bytes(new.organization_id))
    .bind(new.role.as_str())
    .bind(new.email.clone())
    .bind(email_key(&new.email))
    .bind(new.agent_type.as_str())
    .bind(new.version.clone())
    .bind(list(&new.capabilities))
    .bind(new.owner.clone())
    .bind(new.deployment_env.as_str())
    .bind(AgentStatus::Active.as_str())
    .bind(new.is_public)
    .bind(new.created_at.ms())
    .bind(new.created_at.ms())
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .ok_or(StorageError::EmailTaken)
    .and_then(|row| agent(&row))
}

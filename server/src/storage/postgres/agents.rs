//! Reading agents, and adding one.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    PostgresStorage,
    agent_changes::{ChangeAgent, Wanted},
    failure::failed,
    rows::{agent, count, number, organization},
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
impl AgentStore for PostgresStorage {
    async fn get(&self, reach: Reach, id: Uuid) -> StorageResult<Option<AgentRecord>> {
        let mut look = self.look(reach).await?;
        let found = sqlx::query("SELECT * FROM agents WHERE agent_id = $1")
            .bind(id)
            .fetch_optional(&mut *look)
            .await
            .map_err(failed)?
            .map(|row| agent(&row))
            .transpose()?;
        Ok(found.filter(|agent| reach.covers(agent.organization_id)))
    }

    async fn get_by_email(
        &self,
        organization: Uuid,
        email: &str,
    ) -> StorageResult<Option<AgentRecord>> {
        let mut look = self.look(Reach::Organization(organization)).await?;
        sqlx::query("SELECT * FROM agents WHERE organization_id = $1 AND email_key = $2")
            .bind(organization)
            .bind(email_key(email))
            .fetch_optional(&mut *look)
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
        let mut look = self.look(reach).await?;
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

fn restrict(query: &mut QueryBuilder<Postgres>, reach: Reach, filter: &AgentFilter) {
    if let Reach::Organization(organization) = reach {
        query
            .push(" AND organization_id = ")
            .push_bind(organization);
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
            .push(" AND strpos(email_key, ")
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
        let reach = Reach::Organization(self.agent.organization_id);
        let connection = transaction.within(reach).await?;
        let row = sqlx::query("SELECT * FROM organizations WHERE organization_id = $1")
            .bind(self.agent.organization_id)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?
            .ok_or(StorageError::NotFound)?;
        let organization = organization(&row)?;
        let tier = Tier::in_effect(organization.tier, organization.is_system);
        if let Some(max) = (self.agents_max)(tier)
            && has_agents(connection, self.agent.organization_id, max).await?
        {
            return Err(StorageError::AgentLimit { tier, max });
        }
        let record = insert_agent(connection, &self.agent).await?;
        transaction.staged().add_all(&self.events);
        Ok(record)
    }
}

/// Whether an organization has that many agents, those left out that are decommissioned. It does not count further.
async fn has_agents(
    connection: &mut PgConnection,
    organization: Uuid,
    number: u32,
) -> StorageResult<bool> {
    sqlx::query_scalar(
        "SELECT count(*) >= $2 FROM
         (SELECT 1 FROM agents WHERE organization_id = $1 AND status <> 'decommissioned' LIMIT $2) AS living",
    )
    .bind(organization)
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
    connection: &mut PgConnection,
    new: &NewAgent,
) -> StorageResult<AgentRecord> {
    sqlx::query(
        "INSERT INTO agents (agent_id, organization_id, role, email, email_key, agent_type, version, capabilities, owner,
         deployment_env, status, is_public, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (organization_id, email_key) DO NOTHING RETURNING *",
    )
    .bind(new.agent_id)
    .bind(new.organization_id)
    .bind(new.role.as_str())
    .bind(new.email.clone())
    .bind(email_key(&new.email))
    .bind(new.agent_type.as_str())
    .bind(new.version.clone())
    .bind(new.capabilities.clone())
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

//! Section agents: the registry.
//!
//! Owns what may be done to an agent, which events that makes, and what an agent looks like
//! outside. Refuses SQL and HTTP. Rules that a concurrent change could break - the role of the
//! caller, the last admin, a decommissioned agent - are judged inside the store's transaction;
//! here only what must be known before the body is looked at.

mod events;
mod view;

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    audit::{AuditAction, NewEvent},
    call::{Call, Caller},
    clock::Clock,
    error::ApiError,
    generated::{
        agents::Agents,
        codes::Code,
        scopes::Scope,
        types::{
            Agent, AgentRole, ListAgentsParams, PaginatedAgents, RegisterAgentRequest,
            UpdateAgentRequest,
        },
    },
    http::{Reply, Unchecked},
    idempotency::with_answer,
    metrics::Metrics,
    storage::{
        AgentFilter, AgentPatch, AgentRecord, DecommissionAgent, NewAgent, Paging, Storage,
        StorageError, UpdateAgent, is_erased_email,
    },
    tiers::Tiers,
};

/// The section.
pub struct Service {
    storage: Arc<dyn Storage>,
    tiers: Arc<Tiers>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Service {
    /// Over that store.
    pub fn new(
        storage: Arc<dyn Storage>,
        tiers: Arc<Tiers>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            storage,
            tiers,
            clock,
            metrics,
        }
    }

    /// The agent, if the caller sees it.
    async fn find(&self, caller: &Caller, agent_id: Uuid) -> Result<AgentRecord, ApiError> {
        let found = self.storage.agents().get(caller.reach(), agent_id).await;
        found
            .map_err(refused)?
            .ok_or_else(|| ApiError::new(Code::AgentNotFound))
    }
}

impl Agents for Service {
    async fn register_agent(
        &self,
        call: &Call,
        caller: &Caller,
        input: Unchecked<RegisterAgentRequest>,
    ) -> Result<Reply<Agent>, ApiError> {
        let wanted = input.check()?;
        if is_erased_email(&wanted.email) {
            let reason = "stands for an erased agent and cannot be had";
            return Err(ApiError::invalid("email", reason));
        }
        let agent = NewAgent {
            agent_id: Uuid::now_v7(),
            organization_id: organization(caller, wanted.organization_id)?,
            role: AgentRole::Member,
            email: wanted.email,
            agent_type: wanted.agent_type,
            version: wanted.version,
            capabilities: wanted.capabilities,
            owner: wanted.owner,
            deployment_env: wanted.deployment_env,
            is_public: wanted.is_public,
            created_at: self.clock.now(),
        };
        let created = NewEvent::of(
            call,
            caller,
            agent.organization_id,
            agent.agent_id,
            AuditAction::AgentCreated,
        )
        .with("agentType", agent.agent_type.as_str())
        .with("deploymentEnv", agent.deployment_env.as_str());
        let organization = agent.organization_id;
        let agents = self.storage.agents();
        let insert = agents.insert(agent, self.tiers.agents_max(), vec![created]);
        let registered = with_answer(insert, showing).await.map_err(|error| {
            if matches!(error, StorageError::AgentLimit { .. }) {
                self.tiers.agent_refused(organization);
            }
            ApiError::storage(error, Code::OrgNotFound)
        })?;
        let environment = registered.body().deployment_env;
        self.metrics.agent_registered(environment.as_str());
        Ok(registered)
    }

    async fn list_agents(
        &self,
        _call: &Call,
        caller: &Caller,
        input: Unchecked<ListAgentsParams>,
    ) -> Result<Reply<PaginatedAgents>, ApiError> {
        let wanted = input.check()?;
        let filter = AgentFilter {
            owner: wanted.owner,
            agent_type: wanted.agent_type,
            status: wanted.status,
            deployment_env: wanted.deployment_env,
            email_part: wanted.q,
        };
        let paging = Paging::from_query(wanted.page, wanted.limit);
        let page = self
            .storage
            .agents()
            .list(caller.reach(), &filter, paging)
            .await
            .map_err(refused)?;
        Ok(PaginatedAgents {
            data: page.items.into_iter().map(view::agent).collect(),
            total: i64::try_from(page.total).unwrap_or(i64::MAX),
            page: wanted.page,
            limit: wanted.limit,
        }
        .into())
    }

    async fn get_agent(
        &self,
        _call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        input: Unchecked<()>,
    ) -> Result<Reply<Agent>, ApiError> {
        let agent = self.find(caller, agent_id).await?;
        input.check()?;
        Ok(view::agent(agent).into())
    }

    async fn update_agent(
        &self,
        call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        input: Unchecked<UpdateAgentRequest>,
    ) -> Result<Reply<Agent>, ApiError> {
        self.find(caller, agent_id).await?;
        caller.must_manage(agent_id)?;
        let wanted = input.check()?;
        let update = UpdateAgent {
            reach: caller.reach(),
            agent: agent_id,
            actor: Some(caller.agent_id),
            patch: AgentPatch {
                agent_type: wanted.agent_type,
                version: wanted.version,
                capabilities: wanted.capabilities,
                owner: wanted.owner,
                deployment_env: wanted.deployment_env,
                status: wanted.status,
                is_public: wanted.is_public,
                role: None,
            },
            at: self.clock.now(),
            events: events::of_change(call, caller),
        };
        let updated = self.storage.agents().update(update);
        with_answer(updated, showing).await.map_err(refused)
    }

    async fn decommission_agent(
        &self,
        call: &Call,
        caller: &Caller,
        agent_id: Uuid,
        input: Unchecked<()>,
    ) -> Result<Reply<()>, ApiError> {
        self.find(caller, agent_id).await?;
        caller.must_manage(agent_id)?;
        input.check()?;
        let end = DecommissionAgent {
            reach: caller.reach(),
            agent: agent_id,
            actor: Some(caller.agent_id),
            at: self.clock.now(),
            events: events::of_change(call, caller),
        };
        let ended = self.storage.agents().decommission(end);
        with_answer(ended, |_| Reply::empty())
            .await
            .map_err(refused)
    }
}

/// Where a new agent belongs: the caller's organization, or any other with `admin:orgs`.
fn organization(caller: &Caller, wanted: Option<Uuid>) -> Result<Uuid, ApiError> {
    match wanted {
        Some(other) if !caller.sees(other) => Err(ApiError::new(Code::InsufficientScope)
            .message("Registering an agent in another organization needs the scope admin:orgs.")
            .detail("requiredScopes", vec![Scope::AdminOrgs.as_str()])),
        Some(organization) => Ok(organization),
        None => Ok(caller.organization_id),
    }
}

fn showing(agent: AgentRecord) -> Reply<Agent> {
    view::agent(agent).into()
}

fn refused(error: StorageError) -> ApiError {
    ApiError::storage(error, Code::AgentNotFound)
}

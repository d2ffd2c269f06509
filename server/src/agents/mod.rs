//! Section agents: the registry.
//!
//! Owns what may be done to an agent and what it looks like outside. Refuses SQL and HTTP; who may
//! do what is judged inside the store's transaction.

mod view;

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    call::{Call, Caller},
    error::ApiError,
    generated::{agents::Agents, codes::Code, types::Agent},
    http::{Reply, Unchecked},
    storage::{AgentRecord, Storage},
};

/// The section.
pub struct Service {
    storage: Arc<dyn Storage>,
}

impl Service {
    /// Over that store.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// The agent, if the caller sees it.
    async fn find(&self, caller: &Caller, agent_id: Uuid) -> Result<AgentRecord, ApiError> {
        let found = self
            .storage
            .agents()
            .get(caller.reach(), agent_id)
            .await
            .map_err(|e| ApiError::storage(e, Code::AgentNotFound))?;
        found.ok_or_else(|| ApiError::new(Code::AgentNotFound))
    }
}

impl Agents for Service {
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
}

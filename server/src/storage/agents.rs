//! Agents as stored, and the changes of an agent with the rules that only hold inside the transaction:
//! unique e-mail, final decommissioning, the last admin, the actor's role.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use uuid::Uuid;

use super::{Page, Paging, Reach, StorageResult, Tier};
use crate::{
    audit::NewEvent,
    clock::Timestamp,
    generated::types::{AgentRole, AgentStatus, AgentType, DeploymentEnv},
};

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRecord {
    /// Its id, which is also its client id.
    pub agent_id: Uuid,
    /// Where it belongs.
    pub organization_id: Uuid,
    /// What it may do there.
    pub role: AgentRole,
    /// Unique in the organization without regard to case; kept as given.
    pub email: String,
    /// What kind of agent it is.
    pub agent_type: AgentType,
    /// `SemVer`.
    pub version: String,
    /// In the order given.
    pub capabilities: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// Where it runs.
    pub deployment_env: DeploymentEnv,
    /// Where it is in its life.
    pub status: AgentStatus,
    /// Whether the marketplace shows it.
    pub is_public: bool,
    /// Its DID, when it has one.
    pub did: Option<String>,
    /// When the DID was made.
    pub did_created_at: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl AgentRecord {
    /// Whether it may do what admins do.
    pub(super) fn is_active_admin(&self) -> bool {
        self.role == AgentRole::Admin && self.status == AgentStatus::Active
    }
}

/// How many agents an organization of that tier may have, those that are decommissioned left out; `None`: any number.
pub type AgentsMax = fn(Tier) -> Option<u32>;

/// An agent to register. It is active from the start.
#[derive(Clone, Debug)]
pub struct NewAgent {
    /// Its id.
    pub agent_id: Uuid,
    /// Where it belongs.
    pub organization_id: Uuid,
    /// What it may do there.
    pub role: AgentRole,
    /// See [`AgentRecord::email`].
    pub email: String,
    /// What kind of agent it is.
    pub agent_type: AgentType,
    /// `SemVer`.
    pub version: String,
    /// In the order given.
    pub capabilities: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// Where it runs.
    pub deployment_env: DeploymentEnv,
    /// Whether the marketplace shows it.
    pub is_public: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Which agents a list shows. Every given part must hold.
#[derive(Clone, Debug, Default)]
pub struct AgentFilter {
    /// Exactly this owner.
    pub owner: Option<String>,
    /// Exactly this type.
    pub agent_type: Option<AgentType>,
    /// Exactly this status.
    pub status: Option<AgentStatus>,
    /// Exactly this environment.
    pub deployment_env: Option<DeploymentEnv>,
    /// A part of the e-mail address, without regard to (ASCII) case; `%` and `_` mean themselves.
    pub email_part: Option<String>,
}

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct AgentPatch {
    /// New type.
    pub agent_type: Option<AgentType>,
    /// New version.
    pub version: Option<String>,
    /// New capabilities, all of them.
    pub capabilities: Option<Vec<String>>,
    /// New owner.
    pub owner: Option<String>,
    /// New environment.
    pub deployment_env: Option<DeploymentEnv>,
    /// New status.
    pub status: Option<AgentStatus>,
    /// New visibility.
    pub is_public: Option<bool>,
    /// New role.
    pub role: Option<AgentRole>,
}

impl AgentPatch {
    /// Writes what is given over an agent.
    pub(super) fn apply(&self, agent: &mut AgentRecord) {
        fn set<T: Clone>(field: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        set(&mut agent.agent_type, self.agent_type.as_ref());
        set(&mut agent.version, self.version.as_ref());
        set(&mut agent.capabilities, self.capabilities.as_ref());
        set(&mut agent.owner, self.owner.as_ref());
        set(&mut agent.deployment_env, self.deployment_env.as_ref());
        set(&mut agent.status, self.status.as_ref());
        set(&mut agent.is_public, self.is_public.as_ref());
        set(&mut agent.role, self.role.as_ref());
    }
}

/// What a committed change did, as seen inside its transaction.
#[derive(Clone, Debug)]
pub struct AgentChange {
    /// Before.
    pub before: AgentRecord,
    /// After.
    pub after: AgentRecord,
    /// The credentials that the change revoked, oldest first.
    pub revoked_credentials: Vec<Uuid>,
}

/// Says which audit events a change makes, once the transaction knows what it changes. It must be a pure function:
/// a backend may call it again when it repeats a transaction. It is not called when nothing changes.
#[derive(Clone)]
pub struct AgentEvents(Arc<Describe>);

type Describe = dyn Fn(&AgentChange) -> Vec<NewEvent> + Send + Sync;

impl AgentEvents {
    /// From a pure function.
    pub fn new(describe: impl Fn(&AgentChange) -> Vec<NewEvent> + Send + Sync + 'static) -> Self {
        Self(Arc::new(describe))
    }

    /// The events of this change.
    #[must_use]
    pub fn of(&self, change: &AgentChange) -> Vec<NewEvent> {
        (self.0)(change)
    }
}

impl fmt::Debug for AgentEvents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AgentEvents")
    }
}

/// Changes some fields of an agent.
#[derive(Clone, Debug)]
pub struct UpdateAgent {
    /// What the caller sees.
    pub reach: Reach,
    /// Which agent.
    pub agent: Uuid,
    /// Who does it: the agent itself or an active admin. `None` is the server itself.
    pub actor: Option<Uuid>,
    /// What changes. A status of decommissioned revokes its credentials as [`AgentStore::decommission`] does.
    pub patch: AgentPatch,
    /// When.
    pub at: Timestamp,
    /// What goes into the audit log.
    pub events: AgentEvents,
}

/// Ends an agent.
#[derive(Clone, Debug)]
pub struct DecommissionAgent {
    /// What the caller sees.
    pub reach: Reach,
    /// Which agent.
    pub agent: Uuid,
    /// Who does it: the agent itself or an active admin. `None` is the server itself.
    pub actor: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// What goes into the audit log.
    pub events: AgentEvents,
}

/// Agents.
#[async_trait]
pub trait AgentStore: Send + Sync {
    /// An agent within reach.
    async fn get(&self, reach: Reach, agent: Uuid) -> StorageResult<Option<AgentRecord>>;
    /// An agent of an organization by e-mail, without regard to case.
    async fn get_by_email(
        &self,
        organization: Uuid,
        email: &str,
    ) -> StorageResult<Option<AgentRecord>>;
    /// Agents within reach, newest first.
    async fn list(
        &self,
        reach: Reach,
        filter: &AgentFilter,
        paging: Paging,
    ) -> StorageResult<Page<AgentRecord>>;
    /// Registers an agent. The system organization counts as enterprise.
    ///
    /// # Errors
    /// In this order: `NotFound` for an unknown organization, `AgentLimit`, `EmailTaken`.
    async fn insert(
        &self,
        agent: NewAgent,
        agents_max: AgentsMax,
        events: Vec<NewEvent>,
    ) -> StorageResult<AgentRecord>;
    /// Changes an agent. Suspending or decommissioning raises its generation. What is unchanged makes no event.
    ///
    /// # Errors
    /// In this order: `NotFound`, `RoleRequired`, `AlreadyDecommissioned`, `LastAdmin`.
    async fn update(&self, update: UpdateAgent) -> StorageResult<AgentRecord>;
    /// Ends an agent, revokes every active credential of it and raises its generation.
    ///
    /// # Errors
    /// In this order: `NotFound`, `RoleRequired`, `AlreadyDecommissioned`, `LastAdmin`.
    async fn decommission(&self, decommission: DecommissionAgent) -> StorageResult<AgentRecord>;
}

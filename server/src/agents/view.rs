//! An agent as the API shows it.

use crate::{generated::types::Agent, storage::AgentRecord};

/// Everything that is stored, in the contract's words.
pub fn agent(record: AgentRecord) -> Agent {
    Agent {
        agent_id: record.agent_id,
        organization_id: record.organization_id,
        role: record.role,
        email: record.email,
        agent_type: record.agent_type,
        version: record.version,
        capabilities: record.capabilities,
        owner: record.owner,
        deployment_env: record.deployment_env,
        status: record.status,
        is_public: record.is_public,
        did: record.did,
        did_created_at: record.did_created_at,
        created_at: record.created_at,
        updated_at: record.updated_at,
    }
}

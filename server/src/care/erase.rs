//! `agentidp erase`: what is held of the person behind a decommissioned agent goes, the proofs stay.
//!
//! Goes: the payloads of audit events about the agent and of what it did to others, its e-mail address and owner. Stays: the
//! agent's id in its own record, which nothing ties to a person any more, and in one event that says what was erased.
//! The log is erased in slices, so that writers wait for none of them long; a run that was interrupted is repeated.

use thiserror::Error;
use uuid::Uuid;

use crate::{
    audit::{AuditAction, NewEvent},
    clock::Clock,
    generated::types::AgentStatus,
    storage::{Reach, Storage, StorageError},
};

/// How many events one transaction looks at.
const SLICE: i64 = 10_000;

/// Why nothing, or not all, was erased.
#[derive(Debug, Error)]
pub enum EraseError {
    /// No such agent.
    #[error("there is no agent {0}")]
    Unknown(Uuid),
    /// It still lives, and would make new events.
    #[error("agent {0} is not decommissioned: only an agent that has ended is erased")]
    Lives(Uuid),
    /// The store is away; what was done stays done.
    #[error("{0}; repeat the command")]
    Storage(#[from] StorageError),
}

/// What was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Events whose payload went.
    pub events: u64,
    /// Whether the agent's own record held anything.
    pub record: bool,
}

/// Erases. Again finds nothing to do.
///
/// # Errors
/// See [`EraseError`].
pub async fn erase(
    storage: &dyn Storage,
    clock: &dyn Clock,
    agent: Uuid,
) -> Result<Erased, EraseError> {
    let found = storage.agents().get(Reach::Everywhere, agent).await?;
    let found = found.ok_or(EraseError::Unknown(agent))?;
    if found.status != AgentStatus::Decommissioned {
        return Err(EraseError::Lives(agent));
    }
    let mut events = 0;
    // What it did to agents of other organizations is in their chains.
    for (organization, end) in storage.audit().chains().await? {
        let mut first = 1;
        while first <= end.sequence {
            let last = end.sequence.min(first + SLICE - 1);
            let erasure = storage.erasure();
            events += erasure
                .erase_events(agent, organization, first, last)
                .await?;
            first = last + 1;
        }
    }
    // About nobody, so that erasing again does not erase the record of it.
    let record = NewEvent::of_server(found.organization_id, None, AuditAction::AgentUpdated)
        .with("erasedAgentId", agent.to_string())
        .with("erasedEvents", events);
    let changed = storage
        .erasure()
        .erase_agent(agent, clock.now(), vec![record.clone()])
        .await?;
    if !changed && events > 0 {
        storage.audit().append(record).await?;
    }
    Ok(Erased {
        events,
        record: changed,
    })
}

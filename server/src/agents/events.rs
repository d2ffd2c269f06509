//! Which audit events a change of an agent makes.

use serde_json::Value;

use crate::{
    audit::{AuditAction, NewEvent},
    call::{Call, Caller},
    generated::types::AgentStatus,
    storage::{AgentChange, AgentEvents, AgentRecord},
};

/// One event for the change of status, one for all other fields together, one for each credential
/// that ended with the agent.
pub fn of_change(call: &Call, caller: &Caller) -> AgentEvents {
    let call = call.clone();
    let caller = caller.clone();
    AgentEvents::new(move |change| {
        let event = |action| {
            let about = &change.after;
            NewEvent::of(
                &call,
                &caller,
                about.organization_id,
                about.agent_id,
                action,
            )
        };
        let mut events = Vec::new();
        let fields = changed(&change.before, &change.after);
        if !fields.is_empty() {
            events.push(event(AuditAction::AgentUpdated).with("fields", fields));
        }
        if let Some(action) = status(change) {
            events.push(event(action).with("previousStatus", change.before.status.as_str()));
        }
        for credential in &change.revoked_credentials {
            events.push(
                event(AuditAction::CredentialRevoked)
                    .with("credentialId", credential.to_string())
                    .with("reason", "the agent was decommissioned"),
            );
        }
        events
    })
}

fn status(change: &AgentChange) -> Option<AuditAction> {
    if change.before.status == change.after.status {
        return None;
    }
    Some(match change.after.status {
        AgentStatus::Active => AuditAction::AgentReactivated,
        AgentStatus::Suspended => AuditAction::AgentSuspended,
        AgentStatus::Decommissioned => AuditAction::AgentDecommissioned,
    })
}

/// Names of the changed fields; the values may be anybody's and stay out of the log.
fn changed(before: &AgentRecord, after: &AgentRecord) -> Vec<Value> {
    [
        ("agentType", before.agent_type != after.agent_type),
        ("version", before.version != after.version),
        ("capabilities", before.capabilities != after.capabilities),
        ("owner", before.owner != after.owner),
        (
            "deploymentEnv",
            before.deployment_env != after.deployment_env,
        ),
        ("isPublic", before.is_public != after.is_public),
        ("role", before.role != after.role),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(name, _)| name.into())
    .collect()
}

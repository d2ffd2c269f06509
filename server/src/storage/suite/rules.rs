//! The rules of changing an agent.

use super::{Backend, Bench, event};
use crate::{
    audit::AuditAction,
    generated::types::{AgentRole, AgentStatus},
    storage::{
        AgentEvents, AgentPatch, AgentRecord, DecommissionAgent, Reach, StorageError, StorageResult,
    },
};
use uuid::Uuid;

async fn decommission<B: Backend>(
    bench: &Bench<B>,
    agent: &AgentRecord,
    actor: Option<Uuid>,
) -> StorageResult<AgentRecord> {
    let decommission = DecommissionAgent {
        reach: Reach::Organization(agent.organization_id),
        agent: agent.agent_id,
        actor,
        at: bench.now(),
        events: AgentEvents::new(|change| {
            let about = |action| {
                event(
                    change.after.organization_id,
                    Some(change.after.agent_id),
                    action,
                )
            };
            let mut events: Vec<_> = change
                .revoked_credentials
                .iter()
                .map(|_| about(AuditAction::CredentialRevoked))
                .collect();
            events.push(about(AuditAction::AgentDecommissioned));
            events
        }),
    };
    bench.storage().agents().decommission(decommission).await
}

async fn generation<B: Backend>(bench: &Bench<B>, agent: &AgentRecord) -> i64 {
    bench
        .storage()
        .credentials()
        .client(agent.agent_id)
        .await
        .unwrap()
        .unwrap()
        .agent_generation
}

pub async fn an_unchanged_agent_makes_no_event<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    bench.clock.advance(std::time::Duration::from_secs(1));
    let same = AgentPatch {
        owner: Some(agent.owner.clone()),
        status: Some(AgentStatus::Active),
        ..AgentPatch::default()
    };
    assert_eq!(bench.patch(&agent, None, same).await.unwrap(), agent);
    assert_eq!(bench.actions(agent.organization_id).await, [""; 0]);
    let other = AgentPatch {
        owner: Some("else".to_owned()),
        ..AgentPatch::default()
    };
    let changed = bench.patch(&agent, None, other).await.unwrap();
    assert_eq!(
        (changed.owner.as_str(), changed.updated_at),
        ("else", bench.now())
    );
    assert_eq!(
        bench.actions(agent.organization_id).await,
        ["agent.updated"]
    );
}

pub async fn suspending_raises_the_generation_and_reactivating_keeps_it<B: Backend>(
    bench: &Bench<B>,
) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    assert_eq!(generation(bench, &agent).await, 0);
    bench
        .set_status(&agent, None, AgentStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(generation(bench, &agent).await, 1);
    bench
        .set_status(&agent, None, AgentStatus::Active)
        .await
        .unwrap();
    assert_eq!(generation(bench, &agent).await, 1);
    bench
        .set_status(&agent, None, AgentStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(generation(bench, &agent).await, 2);
}

pub async fn the_last_admin_stays<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let admin = bench.agent(organization, AgentRole::Admin).await;
    let demoted = AgentPatch {
        role: Some(AgentRole::Member),
        ..AgentPatch::default()
    };
    assert_eq!(
        bench.patch(&admin, None, demoted.clone()).await,
        Err(StorageError::LastAdmin)
    );
    assert_eq!(
        bench.set_status(&admin, None, AgentStatus::Suspended).await,
        Err(StorageError::LastAdmin)
    );
    assert_eq!(
        decommission(bench, &admin, None).await,
        Err(StorageError::LastAdmin)
    );
    // An admin elsewhere, or one that is suspended, is no other admin.
    bench
        .agent(bench.organization().await, AgentRole::Admin)
        .await;
    let second = bench.agent(organization, AgentRole::Admin).await;
    bench
        .set_status(&second, None, AgentStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(
        bench.patch(&admin, None, demoted.clone()).await,
        Err(StorageError::LastAdmin)
    );
    bench
        .set_status(&second, None, AgentStatus::Active)
        .await
        .unwrap();
    assert_eq!(
        bench.patch(&admin, None, demoted).await.unwrap().role,
        AgentRole::Member
    );
    assert_eq!(
        decommission(bench, &second, None).await,
        Err(StorageError::LastAdmin)
    );
}

pub async fn two_admins_that_end_each_other_leave_one<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let one = bench.agent(organization, AgentRole::Admin).await;
    let two = bench.agent(organization, AgentRole::Admin).await;
    let (first, second) = tokio::join!(
        decommission(bench, &one, Some(two.agent_id)),
        decommission(bench, &two, Some(one.agent_id))
    );
    assert_ne!(first.is_ok(), second.is_ok());
    let refused = if first.is_ok() { second } else { first };
    assert_eq!(
        refused,
        Err(StorageError::RoleRequired),
        "whoever came second is no admin any more"
    );
}

pub async fn only_an_active_admin_changes_others<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = bench.agent(organization, AgentRole::Member).await;
    let other = bench.agent(organization, AgentRole::Member).await;
    let admin = bench.agent(organization, AgentRole::Admin).await;
    let patch = |owner: &str| AgentPatch {
        owner: Some(owner.to_owned()),
        ..AgentPatch::default()
    };
    assert_eq!(
        bench.patch(&agent, Some(other.agent_id), patch("a")).await,
        Err(StorageError::RoleRequired)
    );
    assert!(
        bench
            .patch(&agent, Some(agent.agent_id), patch("b"))
            .await
            .is_ok()
    );
    assert!(
        bench
            .patch(&agent, Some(admin.agent_id), patch("c"))
            .await
            .is_ok()
    );
    bench.agent(organization, AgentRole::Admin).await;
    bench
        .set_status(&admin, None, AgentStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(
        bench.patch(&agent, Some(admin.agent_id), patch("d")).await,
        Err(StorageError::RoleRequired)
    );
    assert_eq!(
        decommission(bench, &agent, Some(other.agent_id)).await,
        Err(StorageError::RoleRequired)
    );
    let new = bench.new_credential(agent.agent_id);
    let added = bench
        .storage()
        .credentials()
        .insert(
            Reach::Organization(organization),
            Some(other.agent_id),
            new,
            Vec::new(),
        )
        .await;
    assert_eq!(added, Err(StorageError::RoleRequired));
}

pub async fn decommissioning_ends_everything_at_once<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let first = bench.credential(agent.agent_id).await;
    bench.credential(agent.agent_id).await;
    let before = super::credentials::revoke(bench, &first).await.unwrap();
    let ended = decommission(bench, &agent, None).await.unwrap();
    assert_eq!(ended.status, AgentStatus::Decommissioned);
    assert_eq!(
        bench.actions(agent.organization_id).await,
        ["credential.revoked", "agent.decommissioned"]
    );
    assert_eq!(generation(bench, &agent).await, 1);
    let page = super::super::Paging { page: 1, limit: 20 };
    let listed = bench
        .storage()
        .credentials()
        .list(Reach::Everywhere, agent.agent_id, Some(true), page)
        .await
        .unwrap();
    assert_eq!(listed.total, 2);
    assert!(listed.items.contains(&before));
    // Who still knows a secret that only the end of the agent revoked may learn why it gets no token.
    let client = bench
        .storage()
        .credentials()
        .client(agent.agent_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(client.credentials.len(), 1);
    assert_ne!(client.credentials[0].credential_id, first.credential_id);
}

pub async fn a_decommissioned_agent_changes_no_more<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    bench
        .set_status(&agent, None, AgentStatus::Decommissioned)
        .await
        .unwrap();
    assert_eq!(
        bench.set_status(&agent, None, AgentStatus::Active).await,
        Err(StorageError::AlreadyDecommissioned)
    );
    assert_eq!(
        bench.patch(&agent, None, AgentPatch::default()).await,
        Err(StorageError::AlreadyDecommissioned)
    );
    assert_eq!(
        decommission(bench, &agent, None).await,
        Err(StorageError::AlreadyDecommissioned)
    );
    assert_eq!(
        bench.try_credential(agent.agent_id).await,
        Err(StorageError::AgentNotActive)
    );
    assert_eq!(
        bench
            .storage()
            .agents()
            .get(Reach::Everywhere, agent.agent_id)
            .await
            .unwrap()
            .unwrap()
            .status,
        AgentStatus::Decommissioned
    );
}

pub async fn refusals_leave_nothing_behind<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let admin = bench.agent(organization, AgentRole::Admin).await;
    let before = bench.storage().revocations().revision().await.unwrap();
    // Refused and accepted changes share a transaction: only what was accepted may show.
    let storage = bench.storage();
    let (refused, accepted, event) = tokio::join!(
        bench.set_status(&admin, None, AgentStatus::Suspended),
        bench.patch(
            &admin,
            None,
            AgentPatch {
                owner: Some("new".to_owned()),
                ..AgentPatch::default()
            }
        ),
        storage
            .audit()
            .append(event(organization, None, AuditAction::TokenIssued)),
    );
    assert_eq!(refused, Err(StorageError::LastAdmin));
    assert_eq!((accepted.is_ok(), event.is_ok()), (true, true));
    let mut actions = bench.actions(organization).await;
    actions.sort();
    assert_eq!(actions, ["agent.updated", "token.issued"]);
    let changes = bench
        .storage()
        .revocations()
        .changes_since(before)
        .await
        .unwrap();
    assert_eq!(
        (changes.raises.len(), changes.clients),
        (0, vec![admin.agent_id])
    );
}

//! Organizations.

use uuid::Uuid;

use super::{Backend, Bench, event};
use crate::{
    audit::AuditAction,
    generated::types::AgentRole,
    storage::{Dependency, Founding, OrganizationRecord, OrganizationStatus, StorageError, Tier},
};

pub(super) fn founding<B: Backend>(bench: &Bench<B>) -> Founding {
    let organization = OrganizationRecord {
        organization_id: Uuid::now_v7(),
        name: "System".to_owned(),
        slug: "system".to_owned(),
        status: OrganizationStatus::Active,
        tier: Tier::Enterprise,
        is_system: true,
        created_at: bench.now(),
        updated_at: bench.now(),
    };
    let admin = bench.new_agent(organization.organization_id, AgentRole::Admin);
    let credential = bench.new_credential(admin.agent_id);
    let events = vec![event(
        organization.organization_id,
        None,
        AuditAction::OrgCreated,
    )];
    Founding {
        organization,
        admin,
        credential,
        events,
    }
}

pub async fn founding_happens_once<B: Backend>(bench: &Bench<B>) {
    let organizations = bench.storage().organizations();
    assert_eq!(organizations.system().await.unwrap(), None);
    let first = founding(bench);
    let second = founding(bench);
    let system = first.organization.clone();
    let admin = first.admin.agent_id;
    organizations.found(first).await.unwrap();
    assert_eq!(
        organizations.found(second).await,
        Err(StorageError::Conflict)
    );

    assert_eq!(organizations.system().await.unwrap(), Some(system.clone()));
    assert_eq!(
        organizations.get(system.organization_id).await.unwrap(),
        Some(system.clone())
    );
    let client = bench
        .storage()
        .credentials()
        .client(admin)
        .await
        .unwrap()
        .unwrap();
    assert!(client.organization_is_system);
    assert_eq!(client.agent.role, AgentRole::Admin);
    assert_eq!(bench.actions(system.organization_id).await, ["org.created"]);
}

pub async fn an_organization_that_may_not_act_raises_its_generation<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = bench.agent(organization, AgentRole::Member).await;
    let events = vec![event(organization, None, AuditAction::OrgUpdated)];
    let organizations = bench.storage().organizations();
    let changed = organizations
        .set_status(
            organization,
            OrganizationStatus::Suspended,
            bench.later(1),
            events,
        )
        .await
        .unwrap();
    assert_eq!(changed.status, OrganizationStatus::Suspended);
    assert_eq!(changed.updated_at, bench.later(1));

    let client = bench
        .storage()
        .credentials()
        .client(agent.agent_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(client.organization_status, OrganizationStatus::Suspended);
    assert_eq!(client.organization_generation, 1);
    let changes = bench
        .storage()
        .revocations()
        .changes_since(0)
        .await
        .unwrap();
    assert_eq!(changes.organizations, [organization]);
    assert!(
        changes
            .raises
            .iter()
            .any(|raise| raise.dependency == Dependency::Organization && raise.id == organization)
    );

    organizations
        .set_status(
            organization,
            OrganizationStatus::Active,
            bench.later(2),
            Vec::new(),
        )
        .await
        .unwrap();
    let client = bench
        .storage()
        .credentials()
        .client(agent.agent_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (client.organization_status, client.organization_generation),
        (OrganizationStatus::Active, 1)
    );
    let unknown = organizations
        .set_status(
            Uuid::now_v7(),
            OrganizationStatus::Active,
            bench.now(),
            Vec::new(),
        )
        .await;
    assert_eq!(unknown, Err(StorageError::NotFound));
}

pub async fn slugs_are_unique<B: Backend>(bench: &Bench<B>) {
    let first = bench.organization().await;
    let mut second = bench
        .storage()
        .organizations()
        .get(first)
        .await
        .unwrap()
        .unwrap();
    second.organization_id = Uuid::now_v7();
    assert_eq!(
        bench
            .storage()
            .organizations()
            .insert(second, Vec::new())
            .await,
        Err(StorageError::Conflict)
    );
}

pub async fn all_are_gone_through_once<B: Backend>(bench: &Bench<B>) {
    let organizations = bench.storage().organizations();
    assert_eq!(organizations.next(None).await.unwrap(), None);
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(bench.organization().await);
    }
    all.sort();
    let mut seen = Vec::new();
    while let Some(next) = organizations.next(seen.last().copied()).await.unwrap() {
        seen.push(next);
    }
    assert_eq!(seen, all);
}

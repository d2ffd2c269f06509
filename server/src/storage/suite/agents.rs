//! Reading and registering agents.

use uuid::Uuid;

use super::{Backend, Bench, event};
use crate::{
    audit::AuditAction,
    generated::types::{AgentRole, AgentStatus, AgentType, DeploymentEnv},
    storage::{AgentFilter, Paging, Reach, StorageError},
};

const FIRST_PAGE: Paging = Paging { page: 1, limit: 20 };

pub async fn an_agent_reads_back_as_written<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let new = bench.new_agent(organization, AgentRole::Admin);
    let created = event(organization, Some(new.agent_id), AuditAction::AgentCreated);
    let written = bench
        .storage()
        .agents()
        .insert(new.clone(), |_| None, vec![created])
        .await
        .unwrap();
    assert_eq!(
        (written.agent_id, written.organization_id, written.role),
        (new.agent_id, organization, AgentRole::Admin)
    );
    assert_eq!(
        (&written.email, written.agent_type, &written.version),
        (&new.email, AgentType::Monitor, &new.version)
    );
    assert_eq!(
        (&written.capabilities, &written.owner),
        (&new.capabilities, &new.owner)
    );
    assert_eq!(
        (written.deployment_env, written.status, written.is_public),
        (DeploymentEnv::Staging, AgentStatus::Active, true)
    );
    assert_eq!(
        (
            written.did.as_deref(),
            written.created_at,
            written.updated_at
        ),
        (None, bench.now(), bench.now())
    );
    let read = bench
        .storage()
        .agents()
        .get(Reach::Organization(organization), new.agent_id)
        .await
        .unwrap();
    assert_eq!(read, Some(written.clone()));
    let by_email = bench
        .storage()
        .agents()
        .get_by_email(organization, &new.email.to_uppercase())
        .await
        .unwrap();
    assert_eq!(by_email, Some(written));
    assert_eq!(bench.actions(organization).await, ["agent.created"]);
}

pub async fn an_email_is_taken_without_regard_to_case<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let first = bench.agent(organization, AgentRole::Member).await;
    let mut second = bench.new_agent(organization, AgentRole::Member);
    second.email = first.email.to_uppercase();
    let created = event(
        organization,
        Some(second.agent_id),
        AuditAction::AgentCreated,
    );
    assert_eq!(
        bench
            .storage()
            .agents()
            .insert(second.clone(), |_| None, vec![created])
            .await,
        Err(StorageError::EmailTaken)
    );
    assert_eq!(bench.actions(organization).await, [""; 0]);
    second.organization_id = bench.organization().await;
    assert!(
        bench
            .storage()
            .agents()
            .insert(second, |_| None, Vec::new())
            .await
            .is_ok()
    );
}

pub async fn lists_are_newest_first_and_paged<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, bench.agent(organization, AgentRole::Member).await);
    }
    bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let agents = bench.storage().agents();
    let reach = Reach::Organization(organization);
    let mut seen = Vec::new();
    for page in 1..=3 {
        let found = agents
            .list(reach, &AgentFilter::default(), Paging { page, limit: 2 })
            .await
            .unwrap();
        assert_eq!(found.total, 5);
        seen.extend(found.items);
    }
    assert_eq!(seen, expected);
    assert_eq!(
        agents
            .list(Reach::Everywhere, &AgentFilter::default(), FIRST_PAGE)
            .await
            .unwrap()
            .total,
        6
    );
    let beyond = agents
        .list(
            reach,
            &AgentFilter::default(),
            Paging { page: 9, limit: 20 },
        )
        .await
        .unwrap();
    assert_eq!((beyond.items.len(), beyond.total), (0, 5));
}

pub async fn filters_hold_together<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let mut wanted = bench.new_agent(organization, AgentRole::Member);
    wanted.email = "100%_Sure@example.com".to_owned();
    wanted.owner = "team-a".to_owned();
    wanted.agent_type = AgentType::Screener;
    wanted.deployment_env = DeploymentEnv::Production;
    let wanted = bench
        .storage()
        .agents()
        .insert(wanted, |_| None, Vec::new())
        .await
        .unwrap();
    let other = bench.agent(organization, AgentRole::Member).await;
    bench
        .set_status(&other, None, AgentStatus::Suspended)
        .await
        .unwrap();
    let filters = [
        AgentFilter {
            owner: Some("team-a".to_owned()),
            ..AgentFilter::default()
        },
        AgentFilter {
            agent_type: Some(AgentType::Screener),
            ..AgentFilter::default()
        },
        AgentFilter {
            status: Some(AgentStatus::Active),
            ..AgentFilter::default()
        },
        AgentFilter {
            deployment_env: Some(DeploymentEnv::Production),
            ..AgentFilter::default()
        },
        AgentFilter {
            email_part: Some("%_sure@EXAMPLE".to_owned()),
            ..AgentFilter::default()
        },
    ];
    for filter in filters {
        let found = bench
            .storage()
            .agents()
            .list(Reach::Organization(organization), &filter, FIRST_PAGE)
            .await
            .unwrap();
        assert_eq!(
            (found.items, found.total),
            (vec![wanted.clone()], 1),
            "{filter:?}"
        );
    }
    let neither = AgentFilter {
        owner: Some("team-a".to_owned()),
        status: Some(AgentStatus::Suspended),
        ..AgentFilter::default()
    };
    assert_eq!(
        bench
            .storage()
            .agents()
            .list(Reach::Organization(organization), &neither, FIRST_PAGE)
            .await
            .unwrap()
            .total,
        0
    );
}

pub async fn an_agent_of_another_organization_is_unknown<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let elsewhere = Reach::Organization(bench.organization().await);
    assert_eq!(
        bench
            .storage()
            .agents()
            .get(elsewhere, agent.agent_id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        bench
            .storage()
            .agents()
            .get(Reach::Everywhere, agent.agent_id)
            .await
            .unwrap(),
        Some(agent.clone())
    );
    assert_eq!(
        bench
            .storage()
            .agents()
            .get(Reach::Everywhere, Uuid::now_v7())
            .await
            .unwrap(),
        None
    );
    let credentials = bench.storage().credentials();
    let added = credentials
        .insert(
            elsewhere,
            None,
            bench.new_credential(agent.agent_id),
            Vec::new(),
        )
        .await;
    assert_eq!(added, Err(StorageError::NotFound));
}

pub async fn an_unknown_organization_takes_no_agent<B: Backend>(bench: &Bench<B>) {
    let new = bench.new_agent(Uuid::now_v7(), AgentRole::Member);
    assert_eq!(
        bench
            .storage()
            .agents()
            .insert(new, |_| None, Vec::new())
            .await,
        Err(StorageError::NotFound)
    );
}

pub async fn two_registrations_of_one_email_make_one_agent<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let first = bench.new_agent(organization, AgentRole::Member);
    let mut second = bench.new_agent(organization, AgentRole::Member);
    second.email.clone_from(&first.email);
    let agents = bench.storage().agents();
    let (one, two) = tokio::join!(
        agents.insert(first, |_| None, Vec::new()),
        agents.insert(second, |_| None, Vec::new())
    );
    let refused = [&one, &two]
        .into_iter()
        .filter(|outcome| **outcome == Err(StorageError::EmailTaken))
        .count();
    assert_eq!((refused, one.is_ok() || two.is_ok()), (1, true));
}

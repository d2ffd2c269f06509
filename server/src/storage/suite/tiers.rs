//! What a tier allows, where only the transaction can tell.

use super::{Backend, Bench, event};
use crate::{
    audit::AuditAction,
    generated::types::{AgentRole, AgentStatus},
    storage::{AgentFilter, OrganizationRecord, Paging, Reach, StorageError, Tier},
};

/// Three for those who are free.
fn three_if_free(tier: Tier) -> Option<u32> {
    (tier == Tier::Free).then_some(3)
}

pub async fn registrations_at_once_stop_at_what_the_tier_allows<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let other = bench.backend.again().await;
    let mut agents = Vec::new();
    for _ in 0..3 {
        for storage in [bench.storage(), &*other] {
            let agent = bench.new_agent(organization, AgentRole::Member);
            let created = event(
                organization,
                Some(agent.agent_id),
                AuditAction::AgentCreated,
            );
            agents.push(async move {
                storage
                    .agents()
                    .insert(agent, three_if_free, vec![created])
                    .await
            });
        }
    }
    let outcomes = futures_util::future::join_all(agents).await;
    let refused = StorageError::AgentLimit {
        tier: Tier::Free,
        max: 3,
    };
    let (made, stopped): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), stopped.len()), (3, 3));
    assert!(
        stopped
            .iter()
            .all(|outcome| outcome == &Err(refused.clone())),
        "{stopped:?}"
    );
    let paging = Paging {
        page: 1,
        limit: 100,
    };
    let listed = bench
        .storage()
        .agents()
        .list(
            Reach::Organization(organization),
            &AgentFilter::default(),
            paging,
        )
        .await
        .unwrap();
    assert_eq!(listed.total, 3);
    assert_eq!(bench.actions(organization).await, ["agent.created"; 3]);
}

pub async fn an_agent_that_ended_makes_room<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let mut agents = Vec::new();
    for _ in 0..3 {
        agents.push(bench.agent(organization, AgentRole::Member).await);
    }
    bench
        .set_status(&agents[0], None, AgentStatus::Suspended)
        .await
        .unwrap();
    assert!(
        !bench.register_in(organization).await,
        "one that is suspended still counts"
    );
    bench
        .set_status(&agents[0], None, AgentStatus::Decommissioned)
        .await
        .unwrap();
    assert!(bench.register_in(organization).await);
    assert!(!bench.register_in(organization).await);
    let pro = bench.organization_of(Tier::Pro).await;
    for _ in 0..3 {
        bench.agent(pro, AgentRole::Member).await;
    }
    assert!(
        bench.register_in(pro).await,
        "another tier is judged by its own number"
    );
}

pub async fn the_system_organization_is_enterprise<B: Backend>(bench: &Bench<B>) {
    let mut founding = super::organizations::founding(bench);
    founding.organization.tier = Tier::Free;
    let OrganizationRecord {
        organization_id, ..
    } = founding.organization;
    bench
        .storage()
        .organizations()
        .found(founding)
        .await
        .unwrap();
    for _ in 0..4 {
        assert!(bench.register_in(organization_id).await);
    }
}

impl<B: Backend> Bench<B> {
    async fn register_in(&self, organization: uuid::Uuid) -> bool {
        let agent = self.new_agent(organization, AgentRole::Member);
        let agents = self.storage().agents();
        agents
            .insert(agent, three_if_free, Vec::new())
            .await
            .is_ok()
    }
}

//! Erasing what is held of a person, with every proof left valid.

use uuid::Uuid;

use super::{Backend, Bench};
use crate::{
    audit::{AuditAction, AuditOutcome, NewEvent, Span, verify_chain},
    generated::types::{AgentRole, AgentStatus},
    storage::{AgentRecord, Reach, StorageError, StoredEvent},
};

async fn event<B: Backend>(
    bench: &Bench<B>,
    organization: Uuid,
    about: Option<Uuid>,
    by: Option<Uuid>,
) {
    let mut event = NewEvent {
        organization_id: organization,
        agent_id: about,
        action: AuditAction::AgentUpdated,
        outcome: AuditOutcome::Success,
        ip_address: "198.51.100.7".to_owned(),
        user_agent: "a browser".to_owned(),
        metadata: serde_json::Map::new(),
    };
    if let Some(by) = by {
        event = event.with("actorId", by.to_string());
    }
    bench.storage().audit().append(event).await.unwrap();
}

async fn chain<B: Backend>(bench: &Bench<B>, organization: Uuid) -> Vec<StoredEvent> {
    let audit = bench.storage().audit();
    let found = verify_chain(audit, organization, Span::default());
    assert!(found.await.unwrap().verified);
    audit.chain(organization, 1, 1000).await.unwrap()
}

/// A decommissioned agent.
async fn ended<B: Backend>(bench: &Bench<B>, organization: Uuid) -> AgentRecord {
    let agent = bench.agent(organization, AgentRole::Member).await;
    bench
        .storage()
        .agents()
        .decommission(crate::storage::DecommissionAgent {
            reach: Reach::Everywhere,
            agent: agent.agent_id,
            actor: None,
            at: bench.now(),
            events: crate::storage::AgentEvents::new(|_| Vec::new()),
        })
        .await
        .unwrap()
}

pub async fn erased_events_keep_their_place_and_proof<B: Backend>(bench: &Bench<B>) {
    let (own, other) = (bench.organization().await, bench.organization().await);
    let gone = ended(bench, own).await.agent_id;
    let stays = bench.agent(own, AgentRole::Member).await.agent_id;
    event(bench, own, Some(gone), None).await;
    event(bench, own, Some(stays), Some(gone)).await;
    event(bench, own, Some(stays), None).await;
    event(bench, other, None, Some(gone)).await;
    let before = chain(bench, own).await;
    let erasure = bench.storage().erasure();
    assert_eq!(erasure.erase_events(gone, own, 1, 1).await, Ok(1));
    assert_eq!(erasure.erase_events(gone, own, 1, 3).await, Ok(1));
    assert_eq!(erasure.erase_events(gone, own, 1, 3).await, Ok(0));
    let after = chain(bench, own).await;
    for (before, after) in before.iter().zip(&after).take(2) {
        let expected = StoredEvent {
            agent_id: None,
            ip_address: String::new(),
            user_agent: String::new(),
            metadata: "{}".to_owned(),
            salt: Vec::new(),
            ..before.clone()
        };
        assert_eq!(*after, expected);
        assert!(after.is_erased());
    }
    assert_eq!(after[2], before[2]);
    assert!(!chain(bench, other).await[0].is_erased());
    assert_eq!(erasure.erase_events(gone, other, 1, 1).await, Ok(1));
    assert!(chain(bench, other).await[0].is_erased());
    event(bench, own, Some(stays), None).await;
    assert_eq!(chain(bench, own).await.len(), 4);
}

pub async fn an_agent_that_lives_is_not_erased<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = bench.agent(organization, AgentRole::Member).await;
    event(bench, organization, Some(agent.agent_id), None).await;
    let erasure = bench.storage().erasure();
    for id in [agent.agent_id, Uuid::now_v7()] {
        let refused = erasure.erase_events(id, organization, 1, 1).await;
        assert_eq!(refused, Err(StorageError::NotFound));
        let refused = erasure.erase_agent(id, bench.now(), Vec::new()).await;
        assert_eq!(refused, Err(StorageError::NotFound));
    }
    assert!(!chain(bench, organization).await[0].is_erased());
}

pub async fn an_erased_agent_keeps_its_id_alone<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let (one, two) = (
        ended(bench, organization).await,
        ended(bench, organization).await,
    );
    let revision = bench.storage().revocations().revision().await.unwrap();
    let record = || {
        let event = NewEvent::of_server(organization, None, AuditAction::AgentUpdated);
        vec![event.with("erasedAgentId", one.agent_id.to_string())]
    };
    let erasure = bench.storage().erasure();
    let erase = || erasure.erase_agent(one.agent_id, bench.later(5), record());
    assert_eq!(erase().await, Ok(true));
    assert_eq!(erase().await, Ok(false));
    let agents = bench.storage().agents();
    let read = agents.get(Reach::Everywhere, one.agent_id).await.unwrap();
    let read = read.unwrap();
    assert_eq!(
        (read.owner.as_str(), read.status, read.updated_at),
        ("erased", AgentStatus::Decommissioned, bench.later(5))
    );
    assert!(read.email.ends_with("@erased.invalid"), "{}", read.email);
    let by_email = agents.get_by_email(organization, &one.email).await;
    assert_eq!(by_email.unwrap(), None);
    assert_eq!(chain(bench, organization).await.len(), 1);
    // Followers forget what they cached of it; a second one is another address.
    let changes = bench.storage().revocations().changes_since(revision).await;
    assert_eq!(changes.unwrap().clients, [one.agent_id]);
    let second = erasure.erase_agent(two.agent_id, bench.now(), Vec::new());
    assert_eq!(second.await, Ok(true));
}

pub async fn chains_are_listed_with_their_ends<B: Backend>(bench: &Bench<B>) {
    let mut organizations = [bench.organization().await, bench.organization().await];
    bench.organization().await;
    organizations.sort_unstable();
    for organization in [organizations[0], organizations[1], organizations[0]] {
        event(bench, organization, None, None).await;
    }
    let chains = bench.storage().audit().chains().await.unwrap();
    let ends: Vec<_> = chains.iter().map(|(id, end)| (*id, end.sequence)).collect();
    assert_eq!(ends, [(organizations[0], 2), (organizations[1], 1)]);
}

//! The audit log.

use std::time::Duration;

use uuid::Uuid;

use super::{Backend, Bench, event};
use crate::{
    audit::{AuditAction, AuditOutcome, NewEvent, Span, Verification, verify_chain},
    generated::types::{AgentRole, AgentStatus},
    storage::{Reach, StorageError},
};

pub(super) async fn append<B: Backend>(bench: &Bench<B>, organization: Uuid, count: usize) {
    for _ in 0..count {
        bench
            .storage()
            .audit()
            .append(event(organization, None, AuditAction::TokenIssued))
            .await
            .unwrap();
    }
}

async fn verified<B: Backend>(bench: &Bench<B>, organization: Uuid) -> Verification {
    verify_chain(bench.storage().audit(), organization, Span::default())
        .await
        .unwrap()
}

pub async fn a_chain_has_no_gaps_and_verifies<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    assert_eq!(
        bench.storage().audit().head(organization).await.unwrap(),
        None
    );
    assert_eq!(
        verified(bench, organization).await,
        Verification {
            verified: true,
            checked_count: 0,
            broken_at: None
        }
    );
    append(bench, organization, 3).await;
    let events = bench
        .storage()
        .audit()
        .chain(organization, 1, 10)
        .await
        .unwrap();
    assert_eq!(
        events
            .iter()
            .map(|event| event.sequence)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(events[0].previous_hash, Vec::<u8>::new());
    assert_eq!(
        (&events[1].previous_hash, &events[2].previous_hash),
        (&events[0].hash, &events[1].hash)
    );
    let head = bench
        .storage()
        .audit()
        .head(organization)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((head.sequence, &head.hash), (3, &events[2].hash));
    assert_eq!(
        verified(bench, organization).await,
        Verification {
            verified: true,
            checked_count: 3,
            broken_at: None
        }
    );
}

pub async fn concurrent_events_make_one_chain_each<B: Backend>(bench: &Bench<B>) {
    let organizations = [
        bench.organization().await,
        bench.organization().await,
        bench.organization().await,
    ];
    let appends = (0..300).map(|index| {
        bench.storage().audit().append(event(
            organizations[index % 3],
            None,
            AuditAction::TokenIssued,
        ))
    });
    for outcome in futures_util::future::join_all(appends).await {
        outcome.unwrap();
    }
    for organization in organizations {
        assert_eq!(
            verified(bench, organization).await,
            Verification {
                verified: true,
                checked_count: 100,
                broken_at: None
            }
        );
    }
}

pub async fn times_never_go_back_along_a_chain<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    bench.clock.advance(Duration::from_secs(60));
    append(bench, organization, 1).await;
    let other = bench.organization().await;
    let ahead = bench.now();
    bench.clock.set(ahead.minus(Duration::from_secs(30)));
    append(bench, organization, 1).await;
    append(bench, other, 1).await;
    let events = bench
        .storage()
        .audit()
        .chain(organization, 1, 10)
        .await
        .unwrap();
    assert_eq!(
        events
            .iter()
            .map(|event| event.timestamp)
            .collect::<Vec<_>>(),
        [ahead, ahead]
    );
    assert_eq!(
        bench
            .storage()
            .audit()
            .head(other)
            .await
            .unwrap()
            .unwrap()
            .timestamp,
        bench.now()
    );
}

pub async fn events_read_back_as_written<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = Uuid::now_v7();
    let event = NewEvent {
        organization_id: organization,
        agent_id: Some(agent),
        action: AuditAction::AuthFailed,
        outcome: AuditOutcome::Failure,
        ip_address: "::1".to_owned(),
        user_agent: "quote \" umlaut ü".to_owned(),
        metadata: serde_json::Map::new(),
    };
    bench
        .storage()
        .audit()
        .append(event.with("z", 1).with("a", "b"))
        .await
        .unwrap();
    let read = bench
        .storage()
        .audit()
        .chain(organization, 1, 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (read.organization_id, read.agent_id, read.action.as_str()),
        (organization, Some(agent), "auth.failed")
    );
    assert_eq!(
        (
            read.outcome,
            read.ip_address.as_str(),
            read.user_agent.as_str()
        ),
        (AuditOutcome::Failure, "::1", "quote \" umlaut ü")
    );
    assert_eq!(
        (read.metadata.as_str(), read.timestamp, read.salt.len()),
        (r#"{"a":"b","z":1}"#, bench.now(), 16)
    );
    assert_eq!(
        bench
            .storage()
            .audit()
            .get(Reach::Organization(organization), read.event_id)
            .await
            .unwrap(),
        Some(read)
    );
}

pub async fn closing_drains_what_nobody_waited_for<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    for _ in 0..1000 {
        bench
            .storage()
            .audit()
            .append_later(event(organization, None, AuditAction::TokenIntrospected))
            .await
            .unwrap();
    }
    bench.storage().close().await;
    let refused = bench
        .storage()
        .audit()
        .append(event(organization, None, AuditAction::TokenIssued))
        .await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))));
    let again = bench.backend.again().await;
    let verification = verify_chain(again.audit(), organization, Span::default())
        .await
        .unwrap();
    assert_eq!(
        verification,
        Verification {
            verified: true,
            checked_count: 1000,
            broken_at: None
        }
    );
    again.close().await;
}

pub async fn a_change_and_its_events_are_one<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    // An event that no chain can take fails alone, together with its change; others in the same transaction do not.
    let new = bench.new_agent(agent.organization_id, AgentRole::Member);
    let impossible = event(Uuid::now_v7(), None, AuditAction::AgentCreated);
    let storage = bench.storage();
    let (broken, suspended, appended) = tokio::join!(
        storage
            .agents()
            .insert(new.clone(), |_| None, vec![impossible]),
        bench.set_status(&agent, None, AgentStatus::Suspended),
        storage
            .audit()
            .append(event(agent.organization_id, None, AuditAction::TokenIssued)),
    );
    assert!(broken.is_err());
    assert_eq!(
        storage
            .agents()
            .get(Reach::Everywhere, new.agent_id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        (suspended.unwrap().status, appended),
        (AgentStatus::Suspended, Ok(()))
    );
    assert_eq!(
        verified(bench, agent.organization_id).await.checked_count,
        2
    );
}

//! Revisions, generations and revoked tokens.

use std::sync::{Arc, Mutex};

use super::{Backend, Bench, credentials, event};
use crate::{
    audit::AuditAction,
    generated::types::{AgentRole, AgentStatus},
    storage::{ChangeObserver, Changes, Dependency, Raise, RevokedToken},
};

pub async fn every_raise_is_found_whole_and_since<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let credential = bench.credential(agent.agent_id).await;
    let revocations = bench.storage().revocations();
    let before = revocations.revision().await.unwrap();
    assert_eq!(
        revocations.changes_since(before).await.unwrap(),
        Changes {
            revision: before,
            ..Changes::default()
        }
    );
    credentials::revoke(bench, &credential).await.unwrap();
    let between = revocations.revision().await.unwrap();
    assert!(between > before);
    bench
        .set_status(&agent, None, AgentStatus::Suspended)
        .await
        .unwrap();
    let ended = Raise {
        dependency: Dependency::Credential,
        id: credential.credential_id,
        generation: 1,
        effective_at: None,
    };
    let suspended = Raise {
        dependency: Dependency::Agent,
        id: agent.agent_id,
        generation: 1,
        effective_at: None,
    };

    let since = revocations.changes_since(between).await.unwrap();
    assert_eq!(
        (since.raises, since.clients, since.whole),
        (vec![suspended], vec![agent.agent_id], false)
    );
    let mut both = revocations.changes_since(before).await.unwrap().raises;
    both.sort_by_key(|raise| raise.dependency);
    assert_eq!(both, [suspended, ended]);
    let whole = revocations.load(bench.now()).await.unwrap();
    let mut raises = whole.raises;
    raises.sort_by_key(|raise| raise.dependency);
    assert_eq!(
        (raises, whole.whole, whole.revision),
        (
            vec![suspended, ended],
            true,
            revocations.revision().await.unwrap()
        )
    );
    let from_the_future = revocations.changes_since(whole.revision + 1).await.unwrap();
    assert!(from_the_future.whole);
}

#[derive(Default)]
struct Seen(Mutex<Vec<Changes>>);

impl ChangeObserver for Seen {
    fn committed(&self, changes: &Changes) {
        self.0.lock().unwrap().push(changes.clone());
    }
}

pub async fn the_observer_knows_before_the_caller<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let seen = Arc::new(Seen::default());
    bench.storage().observe(seen.clone());
    let before = bench.storage().revocations().revision().await.unwrap();
    bench
        .set_status(&agent, None, AgentStatus::Suspended)
        .await
        .unwrap();
    let told = seen.0.lock().unwrap().clone();
    assert_eq!(
        told,
        [bench
            .storage()
            .revocations()
            .changes_since(before)
            .await
            .unwrap()]
    );
    let token = RevokedToken {
        jti: "a".to_owned(),
        expires_at: bench.later(60),
    };
    bench
        .storage()
        .revocations()
        .revoke_token(token.clone(), Vec::new())
        .await
        .unwrap();
    assert_eq!(seen.0.lock().unwrap().last().unwrap().revoked, [token]);
    // What tokens do not depend on is nobody's business.
    let told = seen.0.lock().unwrap().len();
    bench
        .storage()
        .materials()
        .get_or_insert("name", b"value")
        .await
        .unwrap();
    assert_eq!(seen.0.lock().unwrap().len(), told);
}

pub async fn a_revoked_token_is_remembered_until_it_expires<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let revocations = bench.storage().revocations();
    let token = RevokedToken {
        jti: "a".to_owned(),
        expires_at: bench.later(60),
    };
    let before = revocations.revision().await.unwrap();
    let revoked = || vec![event(organization, None, AuditAction::TokenRevoked)];
    revocations
        .revoke_token(token.clone(), revoked())
        .await
        .unwrap();
    revocations
        .revoke_token(token.clone(), revoked())
        .await
        .unwrap();
    assert_eq!(bench.actions(organization).await, ["token.revoked"]);
    assert_eq!(
        revocations.changes_since(before).await.unwrap().revoked,
        std::slice::from_ref(&token)
    );
    assert_eq!(
        revocations.load(bench.later(59)).await.unwrap().revoked,
        [token]
    );
    assert_eq!(revocations.load(bench.later(60)).await.unwrap().revoked, []);
    assert_eq!(
        revocations.forget_expired(bench.later(60)).await.unwrap(),
        0
    );
    assert_eq!(
        revocations.forget_expired(bench.later(61)).await.unwrap(),
        1
    );
    assert_eq!(revocations.load(bench.now()).await.unwrap().revoked, []);
}

pub async fn a_grace_that_ended_stays_ended<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let credential = bench.credential(agent.agent_id).await;
    let stops_at = bench.later(60);
    credentials::rotate(bench, &credential, "hash-1", Some(stops_at))
        .await
        .unwrap();
    let revocations = bench.storage().revocations();
    let before = revocations.revision().await.unwrap();
    revocations.settle(stops_at).await.unwrap();
    assert_eq!(revocations.settle(stops_at).await.unwrap(), 0);
    let changes = revocations.changes_since(before).await.unwrap();
    let ended = Raise {
        dependency: Dependency::Credential,
        id: credential.credential_id,
        generation: 1,
        effective_at: None,
    };
    assert_eq!(
        (changes.raises, changes.clients),
        (vec![ended], vec![agent.agent_id])
    );
}

pub async fn another_process_sees_it<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    let other = bench.backend.again().await;
    let before = other.revocations().revision().await.unwrap();
    bench
        .set_status(&agent, None, AgentStatus::Suspended)
        .await
        .unwrap();
    let changes = other.revocations().changes_since(before).await.unwrap();
    assert_eq!(
        (changes.raises.len(), changes.clients),
        (1, vec![agent.agent_id])
    );
    other
        .audit()
        .append(event(agent.organization_id, None, AuditAction::TokenIssued))
        .await
        .unwrap();
    bench
        .set_status(&agent, None, AgentStatus::Active)
        .await
        .unwrap();
    assert_eq!(
        bench.actions(agent.organization_id).await,
        ["agent.updated", "token.issued", "agent.updated"]
    );
    other.close().await;
}

pub async fn all_tokens_end_whatever_another_store_counted<B: Backend>(bench: &Bench<B>) {
    let organizations = [bench.organization().await, bench.organization().await];
    let revocations = bench.storage().revocations();
    let generation = async |organization| {
        let raises = revocations.load(bench.now()).await.unwrap().raises;
        let mut raises = raises.iter().filter(|raise| raise.id == organization);
        raises.next().map_or(0, |raise| raise.generation)
    };
    let known = revocations.revision().await.unwrap();
    assert_eq!(revocations.end_all_tokens(bench.now()).await, Ok(2));
    for organization in organizations {
        assert_eq!(generation(organization).await, bench.now().ms());
    }
    let changes = revocations.changes_since(known).await.unwrap();
    assert_eq!((changes.raises.len(), changes.organizations.len()), (2, 2));
    // Later again, and even when the clock stands.
    assert_eq!(revocations.end_all_tokens(bench.now()).await, Ok(2));
    assert_eq!(generation(organizations[0]).await, bench.now().ms() + 1);
    assert_eq!(revocations.end_all_tokens(bench.later(60)).await, Ok(2));
    assert_eq!(generation(organizations[0]).await, bench.later(60).ms());
}

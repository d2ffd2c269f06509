//! Credentials, and what authenticating a client reads.

use std::time::Duration;

use uuid::Uuid;

use super::{Backend, Bench, event};
use crate::{
    audit::AuditAction,
    clock::Timestamp,
    generated::types::{AgentRole, AgentStatus},
    storage::{
        ClientCredential, CredentialRecord, Paging, Reach, RevokeCredential, RotateCredential,
        StorageError, StorageResult,
    },
};

const FIRST_PAGE: Paging = Paging { page: 1, limit: 20 };

pub(super) async fn revoke<B: Backend>(
    bench: &Bench<B>,
    credential: &CredentialRecord,
) -> StorageResult<CredentialRecord> {
    let revoke = RevokeCredential {
        reach: Reach::Organization(credential.organization_id),
        agent: credential.agent_id,
        credential: credential.credential_id,
        actor: None,
        at: bench.now(),
        events: Vec::new(),
    };
    bench.storage().credentials().revoke(revoke).await
}

pub(super) async fn rotate<B: Backend>(
    bench: &Bench<B>,
    credential: &CredentialRecord,
    hash: &str,
    old_stops_at: Option<Timestamp>,
) -> StorageResult<CredentialRecord> {
    let rotate = RotateCredential {
        reach: Reach::Organization(credential.organization_id),
        agent: credential.agent_id,
        credential: credential.credential_id,
        actor: None,
        secret_hash: hash.to_owned(),
        expires_at: None,
        old_stops_at,
        at: bench.now(),
        events: vec![event(
            credential.organization_id,
            Some(credential.agent_id),
            AuditAction::CredentialRotated,
        )],
    };
    bench.storage().credentials().rotate(rotate).await
}

pub(super) async fn added<B: Backend>(bench: &Bench<B>) -> CredentialRecord {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    bench.credential(agent.agent_id).await
}

pub(super) async fn only_credential<B: Backend>(
    bench: &Bench<B>,
    credential: &CredentialRecord,
) -> ClientCredential {
    let client = bench
        .storage()
        .credentials()
        .client(credential.agent_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(client.credentials.len(), 1);
    client.credentials[0].clone()
}

pub(super) fn secrets(credential: &ClientCredential) -> Vec<(&str, i64, Option<Timestamp>)> {
    credential
        .secrets
        .iter()
        .map(|secret| (secret.hash.as_str(), secret.generation, secret.stops_at))
        .collect()
}

pub async fn a_credential_reads_back_as_written<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = bench.agent(organization, AgentRole::Member).await;
    let mut new = bench.new_credential(agent.agent_id);
    new.expires_at = Some(bench.later(60));
    let events = vec![event(
        organization,
        Some(agent.agent_id),
        AuditAction::CredentialGenerated,
    )];
    let written = bench
        .storage()
        .credentials()
        .insert(
            Reach::Organization(organization),
            Some(agent.agent_id),
            new.clone(),
            events,
        )
        .await
        .unwrap();
    let expected = CredentialRecord {
        credential_id: new.credential_id,
        agent_id: agent.agent_id,
        organization_id: organization,
        scopes: new.scopes.clone(),
        created_at: bench.now(),
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    assert_eq!(written, expected);
    let credentials = bench.storage().credentials();
    let read = credentials
        .get(
            Reach::Organization(organization),
            agent.agent_id,
            new.credential_id,
        )
        .await
        .unwrap();
    assert_eq!(read, Some(expected));
    let other_agent = credentials
        .get(Reach::Everywhere, Uuid::now_v7(), new.credential_id)
        .await
        .unwrap();
    assert_eq!(other_agent, None);
    let elsewhere = credentials
        .get(
            Reach::Organization(Uuid::now_v7()),
            agent.agent_id,
            new.credential_id,
        )
        .await
        .unwrap();
    assert_eq!(elsewhere, None);
    assert_eq!(bench.actions(organization).await, ["credential.generated"]);
}

pub async fn ten_active_credentials_at_most<B: Backend>(bench: &Bench<B>) {
    let first = added(bench).await;
    for _ in 1..9 {
        bench.credential(first.agent_id).await;
    }
    let (one, two) = tokio::join!(
        bench.try_credential(first.agent_id),
        bench.try_credential(first.agent_id)
    );
    assert_ne!(one.is_ok(), two.is_ok(), "the tenth is one of them");
    assert_eq!(
        bench.try_credential(first.agent_id).await,
        Err(StorageError::CredentialLimit)
    );
    revoke(bench, &first).await.unwrap();
    assert!(bench.try_credential(first.agent_id).await.is_ok());
}

pub async fn an_inactive_agent_gets_none<B: Backend>(bench: &Bench<B>) {
    let agent = bench
        .agent(bench.organization().await, AgentRole::Member)
        .await;
    bench
        .set_status(&agent, None, AgentStatus::Suspended)
        .await
        .unwrap();
    assert_eq!(
        bench.try_credential(agent.agent_id).await,
        Err(StorageError::AgentNotActive)
    );
    assert_eq!(
        bench.try_credential(Uuid::now_v7()).await,
        Err(StorageError::NotFound)
    );
}

pub async fn a_client_shows_what_authentication_needs<B: Backend>(bench: &Bench<B>) {
    let organization = bench.organization().await;
    let agent = bench.agent(organization, AgentRole::Member).await;
    let client = bench
        .storage()
        .credentials()
        .client(agent.agent_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((client.agent, client.credentials.len()), (agent.clone(), 0));
    let older = bench.credential(agent.agent_id).await;
    let newer = bench.credential(agent.agent_id).await;
    let client = bench
        .storage()
        .credentials()
        .client(agent.agent_id)
        .await
        .unwrap()
        .unwrap();
    let ids: Vec<Uuid> = client
        .credentials
        .iter()
        .map(|credential| credential.credential_id)
        .collect();
    assert_eq!(ids, [newer.credential_id, older.credential_id]);
    assert_eq!(secrets(&client.credentials[0]), [("hash-0", 0, None)]);
    assert_eq!(client.credentials[0].scopes, newer.scopes);
    assert_eq!(
        client.revision,
        bench.storage().revocations().revision().await.unwrap()
    );
    assert_eq!(
        (
            client.agent_generation,
            client.organization_generation,
            client.organization_is_system
        ),
        (0, 0, false)
    );
    assert!(
        bench
            .storage()
            .credentials()
            .client(Uuid::now_v7())
            .await
            .unwrap()
            .is_none()
    );
}

pub async fn lists_can_be_narrowed<B: Backend>(bench: &Bench<B>) {
    let first = added(bench).await;
    let second = bench.credential(first.agent_id).await;
    let first = revoke(bench, &first).await.unwrap();
    let credentials = bench.storage().credentials();
    let reach = Reach::Organization(first.organization_id);
    for (revoked, expected) in [
        (None, vec![second.clone(), first.clone()]),
        (Some(true), vec![first.clone()]),
        (Some(false), vec![second.clone()]),
    ] {
        let page = credentials
            .list(reach, first.agent_id, revoked, FIRST_PAGE)
            .await
            .unwrap();
        assert_eq!((page.total, page.items), (expected.len() as u64, expected));
    }
    let page = credentials
        .list(reach, first.agent_id, None, Paging { page: 2, limit: 1 })
        .await
        .unwrap();
    assert_eq!((page.total, page.items), (2, vec![first.clone()]));
    let elsewhere = credentials
        .list(
            Reach::Organization(Uuid::now_v7()),
            first.agent_id,
            None,
            FIRST_PAGE,
        )
        .await
        .unwrap();
    assert_eq!(elsewhere.total, 0);
}

pub async fn the_last_use_never_goes_back<B: Backend>(bench: &Bench<B>) {
    let credential = added(bench).await;
    let credentials = bench.storage().credentials();
    let later = bench.now().plus(Duration::from_secs(5));
    credentials
        .touch(&[(credential.credential_id, later), (Uuid::now_v7(), later)])
        .await
        .unwrap();
    credentials
        .touch(&[(credential.credential_id, bench.now())])
        .await
        .unwrap();
    credentials.touch(&[]).await.unwrap();
    let read = credentials
        .get(
            Reach::Everywhere,
            credential.agent_id,
            credential.credential_id,
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.last_used_at, Some(later));
}

pub async fn those_that_expire_soon_are_counted<B: Backend>(bench: &Bench<B>) {
    let credentials = bench.storage().credentials();
    let mut revoked = None;
    for organization in [bench.organization().await, bench.organization().await] {
        let agent = bench.agent(organization, AgentRole::Admin).await;
        for seconds in [-1_i64, 0, 1, 100, 101] {
            let mut new = bench.new_credential(agent.agent_id);
            new.expires_at = Some(Timestamp::from_ms(bench.now().ms() + 1000 * seconds));
            let added = credentials
                .insert(Reach::Everywhere, None, new, Vec::new())
                .await
                .unwrap();
            revoked = (seconds == 100).then_some(added).or(revoked);
        }
        bench.credential(agent.agent_id).await;
    }
    let soon = || credentials.count_expiring(bench.now(), bench.later(100));
    assert_eq!(soon().await.unwrap(), 4, "of both organizations");
    let revoked = revoked.unwrap();
    credentials
        .revoke(RevokeCredential {
            reach: Reach::Everywhere,
            agent: revoked.agent_id,
            credential: revoked.credential_id,
            actor: None,
            at: bench.now(),
            events: Vec::new(),
        })
        .await
        .unwrap();
    assert_eq!(soon().await.unwrap(), 3);
}

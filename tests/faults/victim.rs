//! The process that gets killed: changes everything the store knows, from many tasks at once, without end.
//!
//! It is this test binary run again with one ignored test selected and a variable that says where.

use std::sync::Arc;

use agentidp_server::{
    audit::{AuditAction, NewEvent},
    clock::{Clock as _, SystemClock},
    generated::types::{AgentRole, AgentType, DeploymentEnv},
    storage::{
        AgentEvents, DecommissionAgent, NewAgent, NewCredential, OrganizationRecord,
        OrganizationStatus, Reach, RevokedToken, RotateCredential, Storage, Tier,
        sqlite::SqliteStorage,
    },
};
use uuid::Uuid;

use super::{ledger::Ack, open, runtime};

/// Where the victim finds its data.
pub const DIRECTORY: &str = "FAULTS_VICTIM_DIRECTORY";
/// How many tasks of each kind run at once.
const TASKS: usize = 4;

#[test]
#[ignore = "it is the process that other tests kill"]
fn victim() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    runtime().block_on(async {
        let storage = open(directory.as_ref()).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let organization = organization(&storage).await;
            tasks.spawn(live(storage.clone(), organization));
            tasks.spawn(record(storage.clone(), organization));
            tasks.spawn(revoke(storage.clone(), organization));
        }
        while tasks.join_next().await.is_some() {}
    });
}

pub async fn organization(storage: &dyn Storage) -> Uuid {
    let id = Uuid::now_v7();
    let now = SystemClock.now();
    let record = OrganizationRecord {
        organization_id: id,
        name: "An organization".to_owned(),
        slug: id.to_string(),
        status: OrganizationStatus::Active,
        tier: Tier::Free,
        is_system: false,
        created_at: now,
        updated_at: now,
    };
    storage
        .organizations()
        .insert(record, Vec::new())
        .await
        .unwrap();
    id
}

fn event(organization: Uuid, agent: Option<Uuid>, action: AuditAction) -> NewEvent {
    NewEvent::of_server(organization, agent, action)
}

/// One agent after the other: registered, given a credential, rotated a few times, decommissioned.
async fn live(storage: SqliteStorage, organization: Uuid) {
    loop {
        let agent = Uuid::now_v7();
        let events = vec![event(organization, Some(agent), AuditAction::AgentCreated)];
        storage
            .agents()
            .insert(new_agent(organization, agent), |_| None, events)
            .await
            .unwrap();
        Ack::Registered(organization, agent).say();
        let credential = Uuid::now_v7();
        let new = NewCredential {
            credential_id: credential,
            agent_id: agent,
            secret_hash: "hash-0".to_owned(),
            scopes: None,
            created_at: SystemClock.now(),
            expires_at: None,
        };
        storage
            .credentials()
            .insert(Reach::Everywhere, None, new, Vec::new())
            .await
            .unwrap();
        for generation in 1..=3 {
            rotate(&storage, agent, credential, generation).await;
            Ack::Rotated(agent, generation).say();
        }
        decommission(&storage, agent).await;
        Ack::Decommissioned(agent).say();
    }
}

pub fn new_agent(organization: Uuid, agent: Uuid) -> NewAgent {
    NewAgent {
        agent_id: agent,
        organization_id: organization,
        role: AgentRole::Member,
        email: format!("{agent}@example.com"),
        agent_type: AgentType::Custom,
        version: "1.0.0".to_owned(),
        capabilities: Vec::new(),
        owner: "somebody".to_owned(),
        deployment_env: DeploymentEnv::Development,
        is_public: false,
        created_at: SystemClock.now(),
    }
}

async fn rotate(storage: &SqliteStorage, agent: Uuid, credential: Uuid, generation: i64) {
    let rotate = RotateCredential {
        reach: Reach::Everywhere,
        agent,
        credential,
        actor: None,
        secret_hash: format!("hash-{generation}"),
        expires_at: None,
        old_stops_at: None,
        at: SystemClock.now(),
        events: Vec::new(),
    };
    storage.credentials().rotate(rotate).await.unwrap();
}

pub async fn decommission(storage: &dyn Storage, agent: Uuid) {
    let decommission = DecommissionAgent {
        reach: Reach::Everywhere,
        agent,
        actor: None,
        at: SystemClock.now(),
        events: AgentEvents::new(|change| {
            vec![event(
                change.after.organization_id,
                Some(change.after.agent_id),
                AuditAction::AgentDecommissioned,
            )]
        }),
    };
    storage.agents().decommission(decommission).await.unwrap();
}

/// Events that stand alone, as issuing a token makes them.
async fn record(storage: SqliteStorage, organization: Uuid) {
    let storage: Arc<dyn Storage> = Arc::new(storage);
    loop {
        let tag = Uuid::now_v7();
        let event =
            event(organization, None, AuditAction::TokenIssued).with("tag", tag.to_string());
        storage.audit().append(event).await.unwrap();
        Ack::Recorded(organization, tag).say();
    }
}

async fn revoke(storage: SqliteStorage, organization: Uuid) {
    loop {
        let jti = Uuid::now_v7();
        let expires_at = SystemClock.now().plus(std::time::Duration::from_secs(3600));
        let token = RevokedToken {
            jti: jti.to_string(),
            expires_at,
        };
        let events = vec![event(organization, None, AuditAction::TokenRevoked)];
        storage
            .revocations()
            .revoke_token(token, events)
            .await
            .unwrap();
        Ack::Revoked(jti).say();
    }
}

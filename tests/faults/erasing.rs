//! `agentidp erase` is killed in the middle. A repetition erases the rest, and every proof made before still holds.

use std::{collections::BTreeMap, process::Stdio, sync::Arc};

use agentidp_server::{
    audit::{AuditAction, NewEvent},
    storage::{Reach, Storage, StoredEvent},
};
use agentidp_services::Postgres;
use uuid::Uuid;

use super::{
    process::{Shared, command},
    runtime,
    server::open,
    verified, victim,
};

/// In how many organizations' chains the agent is spoken of; each is erased in a transaction of its own.
const ORGANIZATIONS: usize = 150;
/// How often it is tried to kill the command before it is over.
const ROUNDS: usize = 5;
const PERSONAL: &str = "Jane Doe of 7 Elm Street";

#[test]
fn a_killed_erasure_is_finished_by_a_repetition() {
    killed_and_repeated(&[]);
}

#[test]
fn a_killed_erasure_is_finished_by_a_repetition_on_postgres() {
    let postgres = Postgres::start().unwrap();
    let database = postgres.database().unwrap();
    killed_and_repeated(&[
        ("DATABASE_URL", database.server_url),
        ("DATABASE_MIGRATION_URL", database.owner_url),
        ("ENCRYPTION_KEY", "5e".repeat(32)),
    ]);
}

fn killed_and_repeated(shared: &Shared) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let interrupted = (0..ROUNDS).any(|_| {
        let runtime = runtime();
        let storage = runtime.block_on(open(directory, shared));
        let (agent, organizations) = runtime.block_on(spoken_of(&storage));
        let before = runtime.block_on(logs(&storage, &organizations));
        let words = ["erase", "--agent", &agent.to_string()];
        let erase = || command(directory, &words, shared);
        let mut erasing = erase().stdout(Stdio::null()).spawn().unwrap();
        runtime.block_on(begun(&storage, &organizations));
        // It may be over already.
        let _ = erasing.kill();
        erasing.wait().unwrap();
        let left = runtime.block_on(logs(&storage, &organizations));
        let left = left.values().flatten().any(is_personal);
        let again = erase().stdout(Stdio::null()).status().unwrap();
        assert!(again.success());
        runtime.block_on(async {
            check(&*storage, agent, &before).await;
            storage.close().await;
        });
        left
    });
    assert!(interrupted, "it was always over before it was killed");
}

/// A decommissioned agent, and all organizations whose logs tell of it, its own among them.
async fn spoken_of(storage: &Arc<dyn Storage>) -> (Uuid, Vec<Uuid>) {
    let agent = Uuid::now_v7();
    let mut made = tokio::task::JoinSet::new();
    for nth in 0..ORGANIZATIONS {
        let storage = Arc::clone(storage);
        made.spawn(async move {
            let organization = victim::organization(&*storage).await;
            let event = NewEvent::of_server(organization, Some(agent), AuditAction::TokenIssued);
            if nth == 0 {
                let agents = storage.agents();
                let new = victim::new_agent(organization, agent);
                agents.insert(new, |_| None, Vec::new()).await.unwrap();
                victim::decommission(&*storage, agent).await;
            }
            let event = event.with("who", PERSONAL);
            storage.audit().append(event).await.unwrap();
            organization
        });
    }
    let own = made.join_all().await;
    // In the order in which they are erased.
    let chains = storage.audit().chains().await.unwrap();
    let ordered = chains.into_iter().map(|(organization, _)| organization);
    (agent, ordered.filter(|it| own.contains(it)).collect())
}

async fn log(storage: &Arc<dyn Storage>, organization: Uuid) -> Vec<StoredEvent> {
    let chain = storage.audit().chain(organization, 1, u32::MAX);
    chain.await.unwrap()
}

async fn logs(
    storage: &Arc<dyn Storage>,
    organizations: &[Uuid],
) -> BTreeMap<Uuid, Vec<StoredEvent>> {
    let mut all = BTreeMap::new();
    for organization in organizations {
        all.insert(*organization, log(storage, *organization).await);
    }
    all
}

fn is_personal(event: &StoredEvent) -> bool {
    event.metadata.contains(PERSONAL)
}

/// Returns when the first chain is erased.
async fn begun(storage: &Arc<dyn Storage>, organizations: &[Uuid]) {
    let erased = async {
        while log(storage, organizations[0]).await.iter().any(is_personal) {
            tokio::task::yield_now().await;
        }
    };
    let bounded = tokio::time::timeout(std::time::Duration::from_secs(60), erased);
    bounded.await.expect("it begins");
}

async fn check(storage: &dyn Storage, agent: Uuid, before: &BTreeMap<Uuid, Vec<StoredEvent>>) {
    let mut records = 0;
    for (organization, events) in before {
        verified(storage, *organization).await;
        let chain = storage.audit().chain(*organization, 1, u32::MAX);
        let now = chain.await.unwrap();
        for (old, new) in events.iter().zip(&now) {
            assert_eq!((old.event_id, &old.hash), (new.event_id, &new.hash));
        }
        for event in &now {
            assert!(
                !is_personal(event) && event.agent_id != Some(agent),
                "{event:?}"
            );
            records += usize::from(event.metadata.contains(&agent.to_string()));
        }
    }
    assert_eq!(records, 1, "one event tells what was erased");
    let record = storage.agents().get(Reach::Everywhere, agent).await;
    let record = record.unwrap().unwrap();
    assert_eq!(record.owner, "erased");
    assert!(record.email.ends_with("@erased.invalid"), "{record:?}");
}

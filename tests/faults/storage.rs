//! A process that changes everything is killed; nothing that it had acknowledged is missing.

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use agentidp_server::{
    generated::types::AgentStatus,
    storage::{Reach, Storage},
};
use uuid::Uuid;

use super::{ledger::Ack, open, runtime, verified, victim};

/// How often the process is killed and started again on the same data.
const ROUNDS: usize = 5;
/// How much it acknowledges before it is killed.
const ACKS: usize = 400;

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acks = Vec::new();
    for round in 1..=ROUNDS {
        acks.extend(run_and_kill(directory.path()));
        assert!(acks.len() >= round * ACKS, "the victim ended by itself");
        runtime().block_on(check(directory.path(), &acks));
    }
}

/// Starts the victim, kills it once it has acknowledged enough, and reads what it had written until then.
fn run_and_kill(directory: &Path) -> Vec<Ack> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim::victim", "--ignored", "--nocapture"])
        .env(victim::DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut acks = Vec::new();
    while acks.len() < ACKS {
        let Some(Ok(line)) = lines.next() else { break };
        acks.extend(Ack::read(&line));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    acks.extend(
        lines
            .map_while(Result::ok)
            .filter_map(|line| Ack::read(&line)),
    );
    acks
}

async fn check(directory: &Path, acks: &[Ack]) {
    let storage = open(directory).await;
    let logs = read_logs(&storage, acks).await;
    let revoked = storage
        .revocations()
        .load(agentidp_server::clock::Timestamp::from_ms(0))
        .await
        .unwrap()
        .revoked;
    let revoked: HashSet<String> = revoked.into_iter().map(|token| token.jti).collect();
    for ack in acks {
        match ack {
            Ack::Registered(organization, agent) => {
                let record = storage
                    .agents()
                    .get(Reach::Everywhere, *agent)
                    .await
                    .unwrap();
                assert_eq!(
                    record.map(|record| record.organization_id),
                    Some(*organization),
                    "{ack:?}"
                );
                assert_eq!(
                    logs[organization].created.get(agent),
                    Some(&1),
                    "{ack:?}: one change, one event"
                );
            }
            Ack::Recorded(organization, tag) => {
                assert!(logs[organization].tags.contains(tag), "{ack:?}")
            }
            Ack::Revoked(token) => assert!(revoked.contains(&token.to_string()), "{ack:?}"),
            Ack::Rotated(agent, generation) => {
                let client = storage.credentials().client(*agent).await.unwrap().unwrap();
                let reached = client
                    .credentials
                    .iter()
                    .flat_map(|credential| &credential.secrets)
                    .map(|secret| secret.generation)
                    .max();
                assert!(reached >= Some(*generation), "{ack:?}");
            }
            Ack::Decommissioned(agent) => {
                let client = storage.credentials().client(*agent).await.unwrap().unwrap();
                assert_eq!(
                    (client.agent.status, client.agent_generation),
                    (AgentStatus::Decommissioned, 1),
                    "{ack:?}"
                );
            }
        }
    }
    storage.close().await;
}

/// What an organization's events tell of.
#[derive(Default)]
struct Log {
    tags: HashSet<Uuid>,
    created: BTreeMap<Uuid, usize>,
}

/// Reads and verifies the chain of every organization that something was acknowledged of. A registration that has an event
/// has an agent, too, acknowledged or not.
async fn read_logs(storage: &dyn Storage, acks: &[Ack]) -> BTreeMap<Uuid, Log> {
    let mut logs = BTreeMap::new();
    for ack in acks {
        let (Ack::Registered(organization, _) | Ack::Recorded(organization, _)) = ack else {
            continue;
        };
        if logs.contains_key(organization) {
            continue;
        }
        let count = verified(storage, *organization).await;
        let events = storage
            .audit()
            .chain(*organization, 1, u32::MAX)
            .await
            .unwrap();
        assert_eq!(events.len() as u64, count);
        let mut log = Log::default();
        for event in events {
            let metadata: serde_json::Value = serde_json::from_str(&event.metadata).unwrap();
            if let Some(tag) = metadata["tag"].as_str() {
                log.tags.insert(Uuid::try_parse(tag).unwrap());
            }
            if let ("agent.created", Some(agent)) = (event.action.as_str(), event.agent_id) {
                *log.created.entry(agent).or_default() += 1;
                assert!(
                    storage
                        .agents()
                        .get(Reach::Everywhere, agent)
                        .await
                        .unwrap()
                        .is_some(),
                    "an event without its agent"
                );
            }
        }
        logs.insert(*organization, log);
    }
    logs
}

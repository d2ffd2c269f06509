//! The real server is killed between the commit of keyed changes and their answers. Whoever repeats such a request gets the
//! answer that the killed process owed: the same secret, of one credential, told of by one event.

use std::{path::Path, sync::Arc};

use agentidp_server::storage::{CredentialRecord, Paging, Reach, Storage};
use agentidp_services::Postgres;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    process::{Server, Shared},
    runtime,
    server::{Admin, client, open},
};

/// How often the server is killed.
const ROUNDS: usize = 3;
/// How many credentials are asked for at once: they are committed together, and the server dies then.
const AGENTS: usize = 24;

#[test]
fn a_change_committed_before_sigkill_is_answered_after_it() {
    killed_between_commit_and_answer(&[]);
}

#[test]
fn a_change_committed_before_sigkill_is_answered_after_it_on_postgres() {
    let postgres = Postgres::start().unwrap();
    let database = postgres.database().unwrap();
    killed_between_commit_and_answer(&[
        ("DATABASE_URL", database.server_url),
        ("DATABASE_MIGRATION_URL", database.owner_url),
        ("ENCRYPTION_KEY", "5e".repeat(32)),
    ]);
}

fn killed_between_commit_and_answer(shared: &Shared) {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..ROUNDS {
        let server = Server::start(directory.path(), shared);
        let admin = Admin::read(directory.path());
        let agents = runtime().block_on(kill_when_committed(
            server,
            directory.path(),
            shared,
            &admin,
        ));
        let server = Server::start(directory.path(), shared);
        runtime().block_on(async {
            let answers = repeat(&server, &admin, &agents).await;
            check(directory.path(), shared, &admin, &answers).await;
        });
    }
}

/// Asks for a credential of each of some agents, nobody waiting for the answers, and kills the server as soon as one is
/// committed. Answers the agents that have one.
async fn kill_when_committed(
    server: Server,
    directory: &Path,
    shared: &Shared,
    admin: &Admin,
) -> Vec<Uuid> {
    let http = client();
    let token = admin.token(&http, &server.base_url).await.unwrap();
    let mut agents = Vec::new();
    for _ in 0..AGENTS {
        let registration = json!({
            "email": format!("{}@example.com", Uuid::now_v7()), "agentType": "custom", "version": "1.0.0",
            "capabilities": ["read"], "owner": "somebody", "deploymentEnv": "development",
        });
        let request = http.post(format!("{}/api/v1/agents", server.base_url));
        let request = request.bearer_auth(&token).json(&registration);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        let agent: Value = answer.json().await.unwrap();
        agents.push(Uuid::try_parse(agent["agentId"].as_str().unwrap()).unwrap());
    }
    let storage = open(directory, shared).await;
    let ask = |agent: &Uuid| tokio::spawn(generate(&http, &server, &token, *agent).send());
    let asked: Vec<_> = agents.iter().map(ask).collect();
    loop {
        let all_answered = asked.iter().all(tokio::task::JoinHandle::is_finished);
        if !credentials(&storage, &agents).await.is_empty() {
            break;
        }
        assert!(!all_answered, "no credential was made");
    }
    server.kill();
    let committed = credentials(&storage, &agents).await;
    storage.close().await;
    committed
        .iter()
        .map(|credential| credential.agent_id)
        .collect()
}

/// The request: the same at each try, as an SDK repeats it.
fn generate(
    http: &reqwest::Client,
    server: &Server,
    token: &str,
    agent: Uuid,
) -> reqwest::RequestBuilder {
    let url = format!("{}/api/v1/agents/{agent}/credentials", server.base_url);
    http.post(url)
        .bearer_auth(token)
        .header("idempotency-key", "the-same-on-each-try")
}

async fn credentials(storage: &Arc<dyn Storage>, agents: &[Uuid]) -> Vec<CredentialRecord> {
    let mut all = Vec::new();
    for agent in agents {
        let paging = Paging::from_query(1, 100);
        let list = storage
            .credentials()
            .list(Reach::Everywhere, *agent, None, paging);
        all.extend(list.await.unwrap().items);
    }
    all
}

/// Repeats the request for each agent, and tries the secret that the answer shows.
async fn repeat(server: &Server, admin: &Admin, agents: &[Uuid]) -> Vec<Value> {
    let http = client();
    let token = admin.token(&http, &server.base_url).await.unwrap();
    let mut answers = Vec::new();
    for agent in agents {
        let request = generate(&http, server, &token, *agent);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{body}");
        assert_eq!(headers["idempotent-replayed"], "true", "{body}");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", body["clientId"].as_str().unwrap()),
            ("client_secret", body["clientSecret"].as_str().unwrap()),
        ];
        let url = format!("{}/api/v1/token", server.base_url);
        let issued = http.post(url).form(&form).send().await.unwrap();
        assert_eq!(issued.status(), 200, "the secret of {agent}");
        answers.push(body);
    }
    answers
}

/// Each answer tells of the only credential of its agent, which one event tells of.
async fn check(directory: &Path, shared: &Shared, admin: &Admin, answers: &[Value]) {
    let storage = open(directory, shared).await;
    super::verified(&*storage, admin.organization).await;
    let chain = storage.audit().chain(admin.organization, 1, u32::MAX);
    let events = chain.await.unwrap();
    for answer in answers {
        let id = |name: &str| Uuid::try_parse(answer[name].as_str().unwrap()).unwrap();
        let agent = id("clientId");
        let stored = credentials(&storage, &[agent]).await;
        let stored: Vec<Uuid> = stored.iter().map(|it| it.credential_id).collect();
        assert_eq!(stored, [id("credentialId")], "agent {agent}");
        let generated = events.iter().filter(|event| {
            event.action == "credential.generated" && event.agent_id == Some(agent)
        });
        assert_eq!(generated.count(), 1, "agent {agent}");
    }
    storage.close().await;
}

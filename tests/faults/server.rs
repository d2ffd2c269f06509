//! The real server is killed under load; the next one on the same data knows every token that a caller got, every agent
//! that one registered and every token that one revoked. On SQLite there is one server; on PostgreSQL there are two, and
//! the other one goes on.

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use agentidp_server::{
    clock::{SystemClock, Timestamp},
    config::{Config, Source},
    storage::{self, Reach, Storage, StoredEvent},
};
use agentidp_services::Postgres;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    process::{Server, Shared},
    runtime, verified,
};

/// How often the server is killed.
const ROUNDS: usize = 3;
/// How many tokens callers get before it is.
const TOKENS: usize = 500;
/// How many callers there are.
const CALLERS: usize = 32;

/// The first admin.
#[derive(Clone)]
pub struct Admin {
    pub client_id: String,
    client_secret: String,
    pub organization: Uuid,
}

impl Admin {
    pub fn read(directory: &Path) -> Self {
        let file: Value =
            serde_json::from_slice(&std::fs::read(directory.join("bootstrap.json")).unwrap())
                .unwrap();
        let text = |name: &str| file[name].as_str().unwrap().to_owned();
        Self {
            client_id: text("clientId"),
            client_secret: text("clientSecret"),
            organization: Uuid::try_parse(&text("organizationId")).unwrap(),
        }
    }

    pub async fn token(&self, http: &reqwest::Client, base_url: &str) -> Option<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scope", "agents:read agents:write audit:read"),
        ];
        let answer = http
            .post(format!("{base_url}/api/v1/token"))
            .form(&form)
            .send()
            .await
            .ok()?;
        let body: Value = answer.error_for_status().ok()?.json().await.ok()?;
        Some(body["access_token"].as_str()?.to_owned())
    }
}

/// What callers got before the server was killed.
#[derive(Default)]
struct Got {
    tokens: Vec<String>,
    agents: Vec<Uuid>,
    revoked: Vec<String>,
}

#[test]
fn what_callers_got_is_there_after_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let got = Arc::new(Mutex::new(Got::default()));
    for round in 1..=ROUNDS {
        let server = Server::start(directory.path(), &[]);
        let admin = Admin::read(directory.path());
        runtime().block_on(load(server, None, &admin, &got));
        let got = got.lock().unwrap();
        got.is_plenty(round);
        runtime().block_on(check(directory.path(), &[], &admin, &got));
    }
    let server = Server::start(directory.path(), &[]);
    let admin = Admin::read(directory.path());
    runtime().block_on(still_known(&server, &admin, &got.lock().unwrap()));
}

#[test]
fn one_of_two_on_postgres_is_killed_and_nothing_is_lost() {
    let postgres = Postgres::start().unwrap();
    let database = postgres.database().unwrap();
    let shared = [
        ("DATABASE_URL", database.server_url),
        ("DATABASE_MIGRATION_URL", database.owner_url),
        ("ENCRYPTION_KEY", "5e".repeat(32)),
    ];
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let got = Arc::new(Mutex::new(Got::default()));
    let mut victim = Server::start(first.path(), &shared);
    let admin = Admin::read(first.path());
    let survivor = Server::start(second.path(), &shared);
    for round in 1..=ROUNDS {
        runtime().block_on(load(victim, Some(&survivor), &admin, &got));
        let got = got.lock().unwrap();
        got.is_plenty(round);
        runtime().block_on(check(second.path(), &shared, &admin, &got));
        runtime().block_on(still_known(&survivor, &admin, &got));
        victim = Server::start(first.path(), &shared);
    }
}

impl Got {
    fn is_plenty(&self, rounds: usize) {
        assert!(
            self.tokens.len() >= rounds * TOKENS
                && !self.agents.is_empty()
                && !self.revoked.is_empty()
        );
    }
}

pub fn client() -> reqwest::Client {
    // Loopback needs no TLS, but reqwest wants to know whose it would be. Fails only when it knows already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Calls from many callers at once until they have enough tokens, then kills the server while they go on. Where there is
/// another one, half of the callers are its, and none of theirs may fail.
async fn load(server: Server, other: Option<&Server>, admin: &Admin, got: &Arc<Mutex<Got>>) {
    let count = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(tokio::sync::Notify::new());
    let over = Arc::new(AtomicBool::new(false));
    let http = client();
    let (mut callers, mut others) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for number in 0..CALLERS {
        let others_caller = other.filter(|_| number % 2 == 1);
        let (got, count, enough) = (Arc::clone(got), Arc::clone(&count), Arc::clone(&enough));
        let base_url = &others_caller.unwrap_or(&server).base_url;
        let (admin, http, base_url) = (admin.clone(), http.clone(), base_url.clone());
        let over = Arc::clone(&over);
        let work = async move {
            while !over.load(Ordering::SeqCst) {
                let token = admin.token(&http, &base_url).await?;
                got.lock().unwrap().tokens.push(token.clone());
                if count.fetch_add(1, Ordering::SeqCst) + 1 == TOKENS {
                    enough.notify_one();
                }
                if number % 4 < 2 {
                    change(&http, &base_url, &token, &got).await?;
                }
            }
            Some(())
        };
        match others_caller {
            None => drop(callers.spawn(work)),
            Some(_) => drop(others.spawn(work)),
        }
    }
    tokio::select! {
        () = enough.notified() => {}
        _ = callers.join_next() => panic!("a call failed while the server was alive"),
    }
    server.kill();
    while callers.join_next().await.is_some() {}
    over.store(true, Ordering::SeqCst);
    while let Some(ended) = others.join_next().await {
        assert!(
            ended.unwrap().is_some(),
            "a call to the other server failed"
        );
    }
}

/// Registers an agent with a token, then revokes the token.
async fn change(
    http: &reqwest::Client,
    base_url: &str,
    token: &str,
    got: &Mutex<Got>,
) -> Option<()> {
    let registration = json!({
        "email": format!("{}@example.com", Uuid::now_v7()), "agentType": "custom", "version": "1.0.0", "capabilities": ["read"],
        "owner": "somebody", "deploymentEnv": "development",
    });
    let request = http
        .post(format!("{base_url}/api/v1/agents"))
        .bearer_auth(token)
        .json(&registration);
    let agent: Value = request
        .send()
        .await
        .ok()?
        .error_for_status()
        .ok()?
        .json()
        .await
        .ok()?;
    got.lock()
        .unwrap()
        .agents
        .push(Uuid::try_parse(agent["agentId"].as_str()?).ok()?);
    let request = http
        .post(format!("{base_url}/api/v1/token/revoke"))
        .bearer_auth(token)
        .form(&[("token", token)]);
    request.send().await.ok()?.error_for_status().ok()?;
    got.lock().unwrap().revoked.push(token.to_owned());
    Some(())
}

/// The configuration of a server there.
pub fn configured(directory: &Path, shared: &Shared) -> Config {
    let mut source = Source::of(&[("AGENTIDP_DATA_DIR", &directory.display().to_string())]);
    for (name, value) in shared {
        source.set(name, value.clone());
    }
    Config::load(&source).unwrap()
}

pub async fn open(directory: &Path, shared: &Shared) -> Arc<dyn Storage> {
    let config = configured(directory, shared);
    storage::open(&config, Arc::new(SystemClock)).await.unwrap()
}

async fn check(directory: &Path, shared: &Shared, admin: &Admin, got: &Got) {
    let storage = open(directory, shared).await;
    verified(&*storage, admin.organization).await;
    let events = storage
        .audit()
        .chain(admin.organization, 1, u32::MAX)
        .await
        .unwrap();
    let issued = named(&events, "token.issued");
    let missing = got
        .tokens
        .iter()
        .filter(|token| !issued.contains(&jti(token)))
        .count();
    assert_eq!(
        missing,
        0,
        "of {} tokens that callers got",
        got.tokens.len()
    );
    let revoked = storage
        .revocations()
        .load(Timestamp::from_ms(0))
        .await
        .unwrap()
        .revoked;
    let revoked: HashSet<String> = revoked.into_iter().map(|token| token.jti).collect();
    let missing = got
        .revoked
        .iter()
        .filter(|token| !revoked.contains(&jti(token)))
        .count();
    assert_eq!(
        missing,
        0,
        "of {} tokens that callers revoked",
        got.revoked.len()
    );
    for agent in &got.agents {
        assert!(
            storage
                .agents()
                .get(Reach::Everywhere, *agent)
                .await
                .unwrap()
                .is_some(),
            "agent {agent}"
        );
        let created = events
            .iter()
            .filter(|event| event.action == "agent.created" && event.agent_id == Some(*agent))
            .count();
        assert_eq!(created, 1, "agent {agent}");
    }
    storage.close().await;
}

/// The tokens that events of this action name.
fn named(events: &[StoredEvent], action: &str) -> HashSet<String> {
    let metadata = events
        .iter()
        .filter(|event| event.action == action)
        .map(|event| &event.metadata);
    metadata
        .filter_map(|text| {
            Some(
                serde_json::from_str::<Value>(text).ok()?["jti"]
                    .as_str()?
                    .to_owned(),
            )
        })
        .collect()
}

fn jti(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["jti"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Neither credentials, signing keys nor revocations went with the killed process.
async fn still_known(server: &Server, admin: &Admin, got: &Got) {
    let http = client();
    let fresh = admin
        .token(&http, &server.base_url)
        .await
        .expect("a token with the old credential");
    let revoked: HashSet<&String> = got.revoked.iter().collect();
    let live = got
        .tokens
        .iter()
        .rfind(|token| !revoked.contains(token))
        .unwrap();
    for (token, expected) in [
        (live, 200),
        (&fresh, 200),
        (&got.revoked[0], 401),
        (&got.revoked[got.revoked.len() - 1], 401),
    ] {
        let own = format!("{}/api/v1/agents/{}", server.base_url, admin.client_id);
        let answer = http.get(own).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected);
    }
    let request = http
        .get(format!("{}/api/v1/audit/verify", server.base_url))
        .bearer_auth(&fresh);
    let verification: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(verification["verified"], true, "{verification}");
}

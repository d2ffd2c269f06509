//! The real server is killed after it wrote to Vault and before it changed the database. What is left in Vault opens nothing,
//! and whoever repeats the request with its key soon gets its turn.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::stand_in::{Mood, StandIn, TOKEN};
use crate::{database, process::Process};

/// Where the server is, and who asks it.
struct Caller {
    http: reqwest::Client,
    base_url: String,
    token: String,
}

impl Caller {
    async fn new(server: &Process, data: &Path) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let admin: Value =
            serde_json::from_slice(&std::fs::read(data.join("bootstrap.json")).unwrap()).unwrap();
        let mut caller = Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base_url: format!("http://127.0.0.1:{}", server.port),
            token: String::new(),
        };
        let (status, body) = caller
            .log_in(&admin["clientId"], &admin["clientSecret"])
            .await;
        assert_eq!(status, 200, "{body}");
        caller.token = body["access_token"].as_str().unwrap().to_owned();
        caller
    }

    async fn log_in(&self, id: &Value, secret: &Value) -> (u16, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str().unwrap()),
            ("client_secret", secret.as_str().unwrap()),
            ("scope", "agents:read agents:write"),
        ];
        let url = format!("{}/api/v1/token", self.base_url);
        answered(self.http.post(url).form(&form)).await
    }

    fn post(&self, path: &str, key: &str) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}/api/v1{path}", self.base_url));
        request
            .bearer_auth(&self.token)
            .header("idempotency-key", key)
    }

    async fn credentials(&self, agent: &str) -> Vec<String> {
        let url = format!("{}/api/v1/agents/{agent}/credentials", self.base_url);
        let (_, page) = answered(self.http.get(url).bearer_auth(&self.token)).await;
        let ids = page["data"].as_array().unwrap().iter();
        ids.map(|it| it["credentialId"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// Sends a request and kills the server once Vault has written what it asked for. Answers the calls that Vault got.
async fn kill_between(
    vault: &StandIn,
    server: Process,
    request: reqwest::RequestBuilder,
) -> Vec<String> {
    vault.set(Mood::Swallowing);
    let before = vault.calls().len();
    let asked = tokio::spawn(request.send());
    let deadline = Instant::now() + Duration::from_secs(20);
    let wrote = |calls: &[String]| calls.iter().any(|call| !call.starts_with("GET "));
    while !wrote(&vault.calls()[before..]) {
        assert!(Instant::now() < deadline, "{:?}", vault.calls());
        tokio::task::yield_now().await;
    }
    drop(server);
    assert!(asked.await.unwrap().is_err(), "nobody was answered");
    vault.set(Mood::Serving);
    vault.calls()[before..].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_between_vault_and_the_database_leaves_nothing_that_opens() {
    let vault = StandIn::start().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let chosen = database::chosen(data).await;
    let mut variables: Vec<(&str, &str)> = chosen.iter().map(|(n, v)| (*n, v.as_str())).collect();
    variables.extend([
        ("VAULT_ADDR", vault.address.as_str()),
        ("VAULT_TOKEN", TOKEN),
        ("ISSUER", "https://idp.example.com"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ]);
    let server = Process::start(data, &variables);
    let caller = Caller::new(&server, data).await;
    let registration = json!({
        "email": "a@example.com", "agentType": "custom", "version": "1.0.0",
        "capabilities": [], "owner": "somebody", "deploymentEnv": "development",
    });
    let made = answered(caller.post("/agents", "agent").json(&registration)).await;
    let id = &made.1["agentId"];
    let path = format!("/agents/{}/credentials", id.as_str().unwrap());
    let (status, first) = answered(caller.post(&path, "first")).await;
    assert_eq!(status, 201, "{first}");

    // A new credential.
    let known = vault.paths();
    kill_between(&vault, server, caller.post(&path, "second")).await;
    let orphans: Vec<String> = vault.paths();
    let orphans: Vec<_> = orphans.iter().filter(|it| !known.contains(it)).collect();
    assert_eq!(orphans.len(), 1, "the hash is in Vault");
    let server = Process::start(data, &variables);
    let caller = Caller::new(&server, data).await;
    let agent = id.as_str().unwrap();
    assert_eq!(
        caller.credentials(agent).await,
        [first["credentialId"].as_str().unwrap()]
    );
    let (status, second) = answered(caller.post(&path, "second")).await;
    assert_eq!(status, 201, "the repetition gets its turn: {second}");
    let orphan = orphans[0].rsplit('/').next().unwrap();
    assert!(!caller.credentials(agent).await.contains(&orphan.to_owned()));
    for known in [&first, &second] {
        assert_eq!(caller.log_in(id, &known["clientSecret"]).await.0, 200);
    }
    let wrong = json!(format!("sk_live_{}", "0".repeat(64)));
    assert_eq!(caller.log_in(id, &wrong).await.0, 401);

    // Another secret of a credential that there is.
    let rotate = format!("{path}/{}/rotate", first["credentialId"].as_str().unwrap());
    let calls = kill_between(&vault, server, caller.post(&rotate, "rotate")).await;
    assert!(
        calls.iter().any(|call| call.starts_with("POST ")),
        "{calls:?}"
    );
    let server = Process::start(data, &variables);
    let caller = Caller::new(&server, data).await;
    assert_eq!(caller.log_in(id, &first["clientSecret"]).await.0, 200);
    let (status, rotated) = answered(caller.post(&rotate, "rotate")).await;
    assert_eq!(status, 200, "the repetition gets its turn: {rotated}");
    assert_eq!(caller.log_in(id, &first["clientSecret"]).await.0, 401);
    assert_eq!(caller.log_in(id, &rotated["clientSecret"]).await.0, 200);
    assert!(
        vault
            .calls()
            .iter()
            .all(|call| !(call.starts_with("GET ") && call.ends_with(orphan))),
        "nobody ever asks for what the database does not name"
    );
    drop(server);
}

//! `agentidp mock`: the real server, with a clock that is moved and faults on demand.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use agentidp_server::mock::{Mock, Settings};
use reqwest::Client;
use serde_json::{Value, json};

/// A mock in this process and somebody who calls it.
struct World {
    mock: Mock,
    http: Client,
}

impl World {
    async fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self {
            mock: Mock::start(Settings::default()).await.unwrap(),
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.mock.base_url())
    }

    async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.post(self.url(path)).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn requests(&self) -> Vec<Value> {
        let response = self.http.get(self.url("/mock/requests")).send().await;
        let body: Value = response.unwrap().json().await.unwrap();
        body["requests"].as_array().unwrap().clone()
    }

    async fn token(&self) -> reqwest::Response {
        let admin = self.mock.admin();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &admin.client_id.to_string()),
            ("client_secret", admin.client_secret.expose()),
        ];
        let request = self.http.post(self.url("/api/v1/token")).form(&form);
        request.send().await.unwrap()
    }

    async fn get(&self, token: &str) -> reqwest::Result<reqwest::Response> {
        let url = self.url("/api/v1/agents?limit=1");
        self.http.get(url).bearer_auth(token).send().await
    }
}

async fn text(response: reqwest::Response, field: &str) -> String {
    let body: Value = response.json().await.unwrap();
    body[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_lives_as_long_as_the_clock_says() {
    let world = World::start().await;
    let token = text(world.token().await, "access_token").await;
    assert_eq!(world.get(&token).await.unwrap().status(), 200);
    let (status, moved) = world
        .control("/mock/clock", json!({"advanceMs": 3_600_000}))
        .await;
    assert_eq!(status, 200);
    assert!(moved["now"].as_str().unwrap().ends_with('Z'), "{moved}");
    assert_eq!(world.get(&token).await.unwrap().status(), 401);
    world
        .control("/mock/clock", json!({"advanceMs": -60_000.5}))
        .await;
    assert_eq!(world.get(&token).await.unwrap().status(), 200);
    world.mock.stop().await;
}

#[tokio::test]
async fn faults_come_in_the_envelope_of_the_operation_and_are_used_up() {
    let world = World::start().await;
    let token = text(world.token().await, "access_token").await;
    for order in [
        json!({"status": 429, "retryAfter": 7, "path": "/api/v1/agents"}),
        json!({"code": "invalid_client", "path": "/api/v1/token"}),
        json!({"status": 502, "code": "NEW_CODE", "path": "/api/v1/agents"}),
    ] {
        assert_eq!(world.control("/mock/faults", order).await.0, 200);
    }
    let limited = world.get(&token).await.unwrap();
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "7");
    assert_eq!(text(limited, "code").await, "RATE_LIMIT_EXCEEDED");
    let unknown = world.get(&token).await.unwrap();
    assert_eq!(unknown.status(), 502);
    assert_eq!(text(unknown, "code").await, "NEW_CODE");
    let refused = world.token().await;
    assert_eq!(refused.status(), 401);
    assert_eq!(text(refused, "error").await, "invalid_client");
    assert_eq!(world.get(&token).await.unwrap().status(), 200);
    assert_eq!(world.token().await.status(), 200);
    world.mock.stop().await;
}

#[tokio::test]
async fn a_connection_can_be_cut_and_an_answer_held_back() {
    let world = World::start().await;
    let token = text(world.token().await, "access_token").await;
    world.control("/mock/faults", json!({"cut": true})).await;
    assert!(world.get(&token).await.is_err());
    world.control("/mock/faults", json!({"delayMs": 20})).await;
    let since = tokio::time::Instant::now();
    assert_eq!(world.get(&token).await.unwrap().status(), 200);
    assert!(since.elapsed() >= Duration::from_millis(20));
    world.mock.stop().await;
}

#[tokio::test]
async fn requests_are_recorded_without_what_lets_somebody_in() {
    let world = World::start().await;
    let token = text(world.token().await, "access_token").await;
    world.get(&token).await.unwrap();
    let requests = world.requests().await;
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[0]["method"], "POST");
    assert_eq!(requests[0]["body"]["client_secret"], "***");
    assert_eq!(requests[1]["path"], "/api/v1/agents?limit=1");
    assert_eq!(requests[1]["headers"]["authorization"], "Bearer ***");
    let shown = format!("{requests:?}");
    assert!(!shown.contains(&token) && !shown.contains(world.mock.admin().client_secret.expose()));
    world.control("/mock/faults", json!({"status": 500})).await;
    assert_eq!(world.control("/mock/reset", json!({})).await.0, 200);
    assert!(world.requests().await.is_empty());
    assert_eq!(world.get(&token).await.unwrap().status(), 200);
    world.mock.stop().await;
}

#[tokio::test]
async fn a_wrong_order_is_refused_and_the_product_has_no_control() {
    let world = World::start().await;
    for (path, order) in [
        ("/mock/clock", json!({"advance": 1})),
        ("/mock/clock", json!({"advanceMs": 1e300})),
        ("/mock/faults", json!({"status": 1000})),
        ("/mock/faults", json!({"kaboom": true})),
    ] {
        let (status, body) = world.control(path, order).await;
        assert_eq!((status, &body["code"]), (400, &"VALIDATION_ERROR".into()));
    }
    world.mock.stop().await;

    let product = crate::harness::start().await;
    let answer = product.send(product.request("GET", "/mock/requests")).await;
    assert_eq!(answer.status, 404);
    product.stop().await;
}

/// The process, its store and what its first line says.
struct Process {
    child: Child,
    folder: tempfile::TempDir,
    first: Value,
}

fn process() -> Process {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_agentidp"))
        .args(["mock", "--json"])
        .env("TMPDIR", folder.path())
        // Of no interest to a mock: it must not read them.
        .env("RATE_LIMIT_MAX_REQUESTS", "1")
        .env("PORT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let first = serde_json::from_str(&line).unwrap();
    // Nothing else is ever printed.
    std::thread::spawn(move || output.read_to_string(&mut String::new()));
    Process {
        child,
        folder,
        first,
    }
}

fn is_empty(folder: &tempfile::TempDir) -> bool {
    std::fs::read_dir(folder.path()).unwrap().next().is_none()
}

#[test]
fn the_process_says_how_to_reach_it_and_ends_with_its_input() {
    let mut process = process();
    for name in ["baseUrl", "clientId", "clientSecret", "organizationId"] {
        assert!(process.first[name].is_string(), "{}", process.first);
    }
    assert!(!is_empty(&process.folder), "its store is in TMPDIR");
    drop(process.child.stdin.take());
    assert!(process.child.wait().unwrap().success());
    assert!(is_empty(&process.folder), "its store is left over");
}

#[test]
fn the_process_ends_on_sigterm() {
    let mut process = process();
    let pid = process.child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.unwrap().success());
    assert!(process.child.wait().unwrap().success());
    assert!(is_empty(&process.folder), "its store is left over");
}

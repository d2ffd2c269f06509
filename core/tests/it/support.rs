//! A mock server with a token endpoint, and a client with a clock that stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sentryagent_idp::{AgentIdPClient, ClientBuilder, clock::ManualClock};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path, path_regex},
};

pub const AGENT_ID: &str = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11";
pub const SECRET: &str = "sk_live_7e57";
pub const TOKEN_PATH: &str = "/api/v1/token";

/// A server, a clock and a client.
pub struct Fixture {
    pub server: MockServer,
    pub clock: ManualClock,
    pub client: AgentIdPClient,
}

impl Fixture {
    /// With a token endpoint whose tokens live for an hour.
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub async fn with(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let bare = Self::without_tokens(change).await;
        tokens(3600).mount(&bare.server).await;
        bare
    }

    pub async fn without_tokens(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let server = mock_server().await;
        let clock = ManualClock::new();
        clock.set_random(0.5);
        let builder = AgentIdPClient::builder()
            .base_url(server.uri())
            .client_id("agent-1")
            .client_secret(SECRET)
            .clock(clock.clone());
        let client = change(builder).build().expect("a client");
        Self {
            server,
            clock,
            client,
        }
    }

    /// What the agents endpoint answers, one after the other; the last one for good.
    pub async fn agents(&self, answers: impl IntoIterator<Item = ResponseTemplate>) {
        Mock::given(method("GET"))
            .and(path_regex("^/api/v1/agents/"))
            .respond_with(Script::new(answers))
            .mount(&self.server)
            .await;
    }

    pub async fn requests_to(&self, part: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap_or_default();
        all.into_iter()
            .filter(|r| r.url.path().contains(part))
            .collect()
    }

    pub async fn token_requests(&self) -> usize {
        self.requests_to(TOKEN_PATH).await.len()
    }

    pub async fn agent_requests(&self) -> usize {
        self.requests_to("/agents/").await.len()
    }
}

/// A server on a port of its own. `MockServer::start` hands ports on from test to test, and clients of
/// one address share their token: a call that outlives its test would leave it to the next.
pub async fn mock_server() -> MockServer {
    MockServer::builder().start().await
}

/// A token endpoint: `token-1`, `token-2`, …
pub fn tokens(expires_in: u64) -> Mock {
    let count = Arc::new(AtomicUsize::new(0));
    Mock::given(method("POST"))
        .and(path(TOKEN_PATH))
        .respond_with(move |_: &Request| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            ResponseTemplate::new(200).set_body_json(json!({
                "access_token": format!("token-{number}"),
                "token_type": "Bearer",
                "expires_in": expires_in,
                "scope": "agents:read",
            }))
        })
}

/// A token endpoint that answers these, one after the other; the last one for good.
pub fn token_script(answers: impl IntoIterator<Item = ResponseTemplate>) -> Mock {
    Mock::given(method("POST"))
        .and(path(TOKEN_PATH))
        .respond_with(Script::new(answers))
}

pub fn token_answer(token: &str, expires_in: u64) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "access_token": token, "token_type": "Bearer", "expires_in": expires_in, "scope": "",
    }))
}

/// Answers one after the other.
pub struct Script {
    answers: Vec<ResponseTemplate>,
    next: AtomicUsize,
}

impl Script {
    pub fn new(answers: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            next: AtomicUsize::new(0),
        }
    }
}

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let place = self
            .next
            .fetch_add(1, Ordering::SeqCst)
            .min(self.answers.len() - 1);
        self.answers[place].clone()
    }
}

pub fn agent() -> Value {
    json!({
        "agentId": AGENT_ID,
        "organizationId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00",
        "role": "member",
        "email": "screener-001@sentryagent.ai",
        "agentType": "screener",
        "version": "1.4.0",
        "capabilities": ["resume:read"],
        "owner": "talent-acquisition",
        "deploymentEnv": "production",
        "status": "active",
        "isPublic": false,
        "did": null,
        "didCreatedAt": null,
        "createdAt": "2026-03-28T09:00:00.000Z",
        "updatedAt": "2026-03-28T09:00:00.000Z",
    })
}

pub fn agent_answer() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(agent())
}

pub fn failure(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-request-id", "req-1")
        .set_body_json(json!({"code": code, "message": "It failed."}))
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Lets other tasks run until it holds. Each turn makes real progress possible: there is no wait.
pub async fn until(holds: impl AsyncFn() -> bool) {
    while !holds().await {
        tokio::task::yield_now().await;
    }
}

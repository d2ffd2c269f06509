//! Calls that change something: bodies, idempotency keys, empty answers, statuses that are values.

use sentryagent_idp::models::{
    AgentType, CredentialStatus, DeploymentEnv, HealthStatus, RegisterAgentRequest,
    UpdateAgentRequest,
};
use serde_json::{Value, json};
use wiremock::{
    Mock, Request, ResponseTemplate,
    matchers::{method, path, path_regex},
};

use crate::support::{AGENT_ID, Fixture, Script, agent, failure};

fn key(request: &Request) -> &str {
    request.headers["idempotency-key"].to_str().expect("text")
}

fn register() -> RegisterAgentRequest {
    let (kind, env) = (AgentType::Screener, DeploymentEnv::Production);
    RegisterAgentRequest::new("a@example.com", kind, "1.0.0", ["resume:read"], "hr", env)
}

async fn registry(f: &Fixture, answers: impl IntoIterator<Item = ResponseTemplate>) {
    Mock::given(method("POST"))
        .and(path("/api/v1/agents"))
        .respond_with(Script::new(answers))
        .mount(&f.server)
        .await;
}

fn created() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(agent())
}

#[tokio::test]
async fn a_change_carries_one_key_on_every_try() {
    let f = Fixture::new().await;
    registry(
        &f,
        [
            failure(503, "SERVICE_UNAVAILABLE").insert_header("retry-after", "0"),
            created(),
        ],
    )
    .await;
    f.client
        .agents()
        .register_agent(register())
        .await
        .expect("registered");
    f.client
        .agents()
        .register_agent(register())
        .await
        .expect("registered");
    let sent = f.requests_to("/agents").await;
    assert_eq!(sent.len(), 3);
    assert_eq!(key(&sent[0]), key(&sent[1]));
    assert_ne!(key(&sent[1]), key(&sent[2]));
    assert_eq!(key(&sent[0]).len(), 36);
    let body: Value = serde_json::from_slice(&sent[0].body).expect("JSON");
    let expected = json!({
        "email": "a@example.com", "agentType": "screener", "version": "1.0.0",
        "capabilities": ["resume:read"], "owner": "hr", "deploymentEnv": "production",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_key_of_the_callers_own_is_sent_and_checked() {
    let f = Fixture::new().await;
    registry(&f, [created()]).await;
    f.client
        .agents()
        .register_agent(register())
        .idempotency_key("mine-1")
        .await
        .expect("registered");
    assert_eq!(key(&f.requests_to("/agents").await[0]), "mine-1");
    // Whoever writes the header means the same.
    let call = f.client.agents().register_agent(register());
    call.header("Idempotency-Key", "mine-2")
        .await
        .expect("registered");
    assert_eq!(key(&f.requests_to("/agents").await[1]), "mine-2");
    let call = f.client.agents().register_agent(register());
    let refused = call.header("idempotency-key", "a b").await;
    assert!(refused.expect_err("refused").is_validation());
    for wrong in ["", "a b", "ü", &"x".repeat(256)] {
        let call = f
            .client
            .agents()
            .register_agent(register())
            .idempotency_key(wrong);
        assert!(call.await.expect_err("refused").is_validation(), "{wrong}");
    }
}

#[tokio::test]
async fn only_what_is_given_is_changed() {
    let f = Fixture::new().await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(200).set_body_json(agent()))
        .mount(&f.server)
        .await;
    let change = UpdateAgentRequest::new()
        .with_status("suspended")
        .with_is_public(true);
    f.client
        .agents()
        .update_agent(AGENT_ID, change)
        .await
        .expect("changed");
    let body: Value =
        serde_json::from_slice(&f.requests_to("/agents").await[0].body).expect("JSON");
    assert_eq!(body, json!({"status": "suspended", "isPublic": true}));
}

#[tokio::test]
async fn an_empty_answer_is_a_value() {
    let f = Fixture::new().await;
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&f.server)
        .await;
    let raw = f
        .client
        .agents()
        .decommission_agent(AGENT_ID)
        .raw()
        .await
        .expect("gone");
    assert_eq!((raw.status, raw.value), (204, ()));
    assert!(f.requests_to("/agents").await[0].body.is_empty());
}

#[tokio::test]
async fn a_secret_is_shown_only_on_request() {
    let f = Fixture::new().await;
    let credential = json!({
        "credentialId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a13", "clientId": AGENT_ID, "status": "active",
        "scopes": null, "createdAt": "2026-03-28T09:00:00.000Z", "expiresAt": null, "revokedAt": null,
        "lastUsedAt": null, "clientSecret": "sk_live_00",
    });
    Mock::given(path_regex("/credentials$"))
        .respond_with(ResponseTemplate::new(201).set_body_json(&credential))
        .mount(&f.server)
        .await;
    let made = f
        .client
        .credentials()
        .generate_credential(AGENT_ID, None)
        .await
        .expect("made");
    assert_eq!(made.status, CredentialStatus::Active);
    assert!(!format!("{made:?}").contains("sk_live_00"));
    assert_eq!(made.client_secret.expose_secret(), "sk_live_00");
    assert_eq!(serde_json::to_value(made).expect("JSON"), credential);
}

#[tokio::test]
async fn a_status_that_the_contract_calls_a_value_is_one() {
    let f = Fixture::new().await;
    let body = json!({
        "status": "degraded", "version": "0.1.0", "uptimeSeconds": 1,
        "services": {"database": "disconnected", "cache": "connected"},
    });
    Mock::given(path("/health"))
        .respond_with(ResponseTemplate::new(503).set_body_json(body))
        .mount(&f.server)
        .await;
    let raw = f.client.health().get_health().raw().await.expect("a value");
    assert_eq!((raw.status, raw.retry_count), (503, 0));
    assert_eq!(raw.value.status, HealthStatus::Degraded);
    let sent = f.requests_to("/health").await;
    assert_eq!(
        (sent.len(), sent[0].headers.get("authorization")),
        (1, None)
    );
    assert_eq!(f.token_requests().await, 0);
}

#[tokio::test]
async fn a_token_is_given_by_position() {
    let f = Fixture::new().await;
    Mock::given(path("/api/v1/token/revoke"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&f.server)
        .await;
    f.client
        .tokens()
        .revoke_token("a.b c")
        .await
        .expect("revoked");
    let sent = f.requests_to("/revoke").await;
    assert_eq!(sent[0].body, b"token=a.b+c");
    assert_eq!(sent[0].headers["authorization"], "Bearer token-1");
    assert!(sent[0].headers.get("idempotency-key").is_none());
}

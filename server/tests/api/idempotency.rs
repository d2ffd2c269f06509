//! `Idempotency-Key` over HTTP.

use std::{sync::Arc, time::Duration};

use agentidp_server::clock::{Clock, ManualClock, SystemClock};
use serde_json::{Value, json};

use crate::{
    agents::registration,
    harness::{self, Answer, Harness},
    instances::counted,
};

impl Harness {
    /// The same request twice: the second answer must be the first one again.
    async fn twice(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut answers = Vec::new();
        for _ in 0..2 {
            let request = self.request(method, path).bearer_auth(token);
            let mut request = request.header("idempotency-key", "twice");
            if let Some(body) = &body {
                request = request.json(body);
            }
            answers.push(self.send(request).await);
        }
        let [first, again] = answers.try_into().unwrap();
        assert_eq!(first.header("idempotent-replayed"), "", "{first:?}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
        assert_eq!((first.status, &first.body), (again.status, &again.body));
        for name in ["content-type", "cache-control", "location"] {
            assert_eq!(first.header(name), again.header(name), "{method} {path}");
        }
        first
    }

    async fn keyed(&self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let request = self
            .request("POST", path)
            .bearer_auth(token)
            .header("idempotency-key", key)
            .json(body);
        self.send(request).await
    }
}

#[tokio::test]
async fn the_same_request_is_done_once() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let body = registration("once@example.com");
    let first = harness.keyed("/api/v1/agents", &token, "k1", &body).await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (201, "")
    );
    let again = harness.keyed("/api/v1/agents", &token, "k1", &body).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, "true")
    );
    assert_eq!(again.body, first.body);
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));

    let other = harness
        .keyed(
            "/api/v1/agents",
            &token,
            "k1",
            &registration("other@example.com"),
        )
        .await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (409, "IDEMPOTENCY_CONFLICT")
    );
    let fresh = harness.keyed("/api/v1/agents", &token, "k2", &body).await;
    assert_eq!(
        (fresh.status, fresh.code().as_str()),
        (409, "AGENT_ALREADY_EXISTS")
    );
    // A refusal is an answer too.
    let refused = harness.keyed("/api/v1/agents", &token, "k2", &body).await;
    assert_eq!(
        (refused.status, refused.header("idempotent-replayed")),
        (409, "true")
    );
    harness.stop().await;
}

/// Each operation keeps its answer in the transaction of its change, none behind it, and it is what its caller got.
#[tokio::test]
async fn each_change_is_answered_again_as_it_was() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let body = Some(registration("each@example.com"));
    let agent = harness.twice("POST", "/api/v1/agents", &token, body).await;
    let path = format!("/api/v1/agents/{}", agent.text("agentId"));
    let body = Some(json!({"owner": "somebody else"}));
    let changed = harness.twice("PATCH", &path, &token, body).await;
    assert_eq!(changed.text("owner"), "somebody else");
    let credentials = format!("{path}/credentials");
    let body = Some(json!({"scopes": ["agents:read"]}));
    let made = harness.twice("POST", &credentials, &token, body).await;
    let credential = format!("{credentials}/{}", made.text("credentialId"));
    let rotate = format!("{credential}/rotate");
    let rotated = harness.twice("POST", &rotate, &token, None).await;
    assert_ne!(rotated.text("clientSecret"), made.text("clientSecret"));
    let revoked = harness.twice("DELETE", &credential, &token, None).await;
    let ended = harness.twice("DELETE", &path, &token, None).await;
    assert_eq!((revoked.status, ended.status), (204, 204));
    let behind = "agentidp_db_query_duration_seconds_count{operation=\"idempotency.complete\"}";
    assert_eq!(counted(&harness, behind), 0);
    // A refusal has no change to be kept with.
    let taken = registration("each@example.com");
    let refused = harness
        .keyed("/api/v1/agents", &token, "taken", &taken)
        .await;
    assert_eq!((refused.status, counted(&harness, behind)), (409, 1));
    harness.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_client() {
    let harness = harness::start().await;
    let admin = harness.admin_token().await;
    let member = harness.member("m@example.com").await;
    let token = harness.token(&member, "agents:write").await;
    let first = harness
        .keyed(
            "/api/v1/agents",
            &admin,
            "k",
            &registration("one@example.com"),
        )
        .await;
    let second = harness
        .keyed(
            "/api/v1/agents",
            &token,
            "k",
            &registration("two@example.com"),
        )
        .await;
    assert_eq!((first.status, second.status), (201, 201));
    harness.stop().await;
}

#[tokio::test]
async fn requests_at_the_same_time_make_one_change() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let body = registration("together@example.com");
    let answers = futures_util::future::join_all(
        (0..8).map(|_| harness.keyed("/api/v1/agents", &token, "k", &body)),
    )
    .await;
    let replayed = answers
        .iter()
        .filter(|a| a.header("idempotent-replayed") == "true")
        .count();
    assert_eq!(replayed, 7);
    assert!(
        answers
            .iter()
            .all(|a| a.status == 201 && a.body == answers[0].body)
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_replayed_secret_shows_only_while_the_credential_is_active() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &token)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    let first = harness.keyed(&path, &token, "k", &json!({})).await;
    let again = harness.keyed(&path, &token, "k", &json!({})).await;
    assert_eq!(again.text("clientSecret"), first.text("clientSecret"));
    assert_eq!(again.header("cache-control"), "no-store");
    let secret = first.text("clientSecret");
    let stored: Vec<u8> = std::fs::read_dir(harness.folder.path())
        .unwrap()
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(
        !stored.windows(secret.len()).any(|w| w == secret.as_bytes()),
        "a secret lies on the disk"
    );

    harness
        .delete(&format!("{path}/{}", first.text("credentialId")), &token)
        .await;
    let late = harness.keyed(&path, &token, "k", &json!({})).await;
    assert_eq!(late.status, 409);
    assert!(late.text("clientSecret").is_empty());
    harness.stop().await;
}

#[tokio::test]
async fn keys_are_checked_with_everything_else_and_forgotten_after_a_day() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let harness =
        harness::start_in(folder, &[("RATE_LIMIT_MAX_REQUESTS", "0")], clock.clone()).await;
    let token = harness.admin_token().await;
    let bad = harness
        .keyed(
            "/api/v1/agents",
            &token,
            "with space",
            &json!({"email": "x"}),
        )
        .await;
    assert_eq!(bad.status, 400);
    assert!(
        bad.faults().contains(&"Idempotency-Key".to_owned())
            && bad.faults().contains(&"email".to_owned())
    );

    let body = registration("a@example.com");
    assert_eq!(
        harness
            .keyed("/api/v1/agents", &token, "k", &body)
            .await
            .status,
        201
    );
    clock.advance(Duration::from_secs(24 * 3600 + 1));
    let token = harness.admin_token().await;
    assert_eq!(
        harness
            .keyed("/api/v1/agents", &token, "k", &body)
            .await
            .status,
        409
    );
    harness.stop().await;
}

//! Section audit over HTTP: what is recorded of what, and that anybody can check it from the answers alone.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::harness::{self, Harness};

impl Harness {
    /// The events that a query finds, newest first.
    async fn events(&self, query: &str) -> Vec<Value> {
        let token = self.token(&self.admin, "audit:read").await;
        let answer = self.get(&format!("/api/v1/audit{query}"), &token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.member("data").as_array().unwrap().clone()
    }

    async fn actions(&self, query: &str) -> Vec<String> {
        let events = self.events(query).await;
        events
            .iter()
            .map(|event| event["action"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// RFC 8785 of a flat object whose values are texts, small integers or flat objects of these.
fn canonical(value: Value) -> String {
    let sorted: BTreeMap<String, Value> = serde_json::from_value(value).unwrap();
    serde_json::to_string(&sorted).unwrap()
}

#[tokio::test]
async fn the_life_of_an_agent_is_in_the_log() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let agent = harness.member("a@example.com").await;
    let id = agent.client_id.as_str();
    harness.token(&agent, "agents:read").await;
    for status in ["suspended", "active"] {
        assert_eq!(
            harness
                .patch(id, &token, &json!({"status": status}))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        harness
            .patch(id, &token, &json!({"status": "active"}))
            .await
            .status,
        200
    );
    assert_eq!(
        harness
            .patch(id, &token, &json!({"owner": "else"}))
            .await
            .status,
        200
    );
    assert_eq!(
        harness
            .delete(&format!("/api/v1/agents/{id}"), &token)
            .await
            .status,
        204
    );
    let mut actions = harness.actions(&format!("?agentId={id}&limit=100")).await;
    actions.reverse();
    let expected = [
        "agent.created",
        "credential.generated",
        "token.issued",
        "agent.suspended",
        "agent.reactivated",
        "agent.updated",
    ];
    assert_eq!(actions[..6], expected);
    let mut rest = actions[6..].to_vec();
    rest.sort();
    assert_eq!(rest, ["agent.decommissioned", "credential.revoked"]);
    let created = harness
        .events(&format!("?agentId={id}&action=agent.created"))
        .await;
    assert_eq!(created[0]["metadata"]["actorId"], harness.admin.client_id);
    assert_eq!(
        (&created[0]["outcome"], &created[0]["ipAddress"]),
        (&json!("success"), &json!("127.0.0.1"))
    );
    harness.stop().await;
}

#[tokio::test]
async fn failed_authentication_is_in_the_log_and_secrets_are_not() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let agent = harness.member("a@example.com").await;
    let unknown = "0192f8c4-0000-7000-8000-000000000000";
    for (client, secret) in [
        (agent.client_id.as_str(), "sk_live_wrong"),
        (unknown, "sk_live_wrong"),
    ] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
        ];
        assert_eq!(harness.form("/api/v1/token", &fields).await.status, 401);
    }
    let failed = harness.events("?action=auth.failed&outcome=failure").await;
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0]["organizationId"], harness.admin.organization_id);
    assert_eq!(failed[1]["agentId"], agent.client_id);
    assert_eq!(
        harness
            .events("?action=auth.failed&outcome=success")
            .await
            .len(),
        0
    );
    let everything = serde_json::to_string(&harness.events("?limit=100").await).unwrap();
    for secret in [
        &harness.admin.client_secret,
        &agent.client_secret,
        &token,
        "sk_live",
    ] {
        assert!(!everything.contains(secret));
    }
    harness.stop().await;
}

#[tokio::test]
async fn anybody_can_check_every_hash_from_the_answers_alone() {
    let harness = harness::start().await;
    harness.member("a@example.com").await;
    let mut events = harness.events("?limit=100").await;
    events.reverse();
    let mut previous = String::new();
    for (index, event) in events.iter().enumerate() {
        let payload = canonical(json!({
            "agentId": event["agentId"], "action": event["action"], "outcome": event["outcome"],
            "ipAddress": event["ipAddress"], "userAgent": event["userAgent"],
            "metadata": serde_json::from_str::<Value>(&canonical(event["metadata"].clone())).unwrap(),
        }));
        assert_eq!(
            event["payloadHash"],
            sha256(&format!("{}{payload}", event["salt"].as_str().unwrap()))
        );
        let link = canonical(json!({
            "v": 1, "organizationId": event["organizationId"], "sequence": event["sequence"], "eventId": event["eventId"],
            "timestamp": event["timestamp"], "payloadHash": event["payloadHash"], "previousHash": previous,
        }));
        assert_eq!(event["hash"], sha256(&link));
        assert_eq!(
            (&event["sequence"], event["previousHash"].as_str()),
            (&json!(index + 1), Some(previous.as_str()))
        );
        previous = event["hash"].as_str().unwrap().to_owned();
    }
    assert!(events.len() > 5);
    let token = harness.token(&harness.admin, "audit:read").await;
    let verified = harness.get("/api/v1/audit/verify", &token).await;
    assert_eq!(
        (verified.status, verified.member("verified")),
        (200, &json!(true))
    );
    assert!(verified.member("checkedCount").as_u64().unwrap() as usize > events.len());
    let today = &events[0]["timestamp"].as_str().unwrap()[..10];
    let dated = harness
        .get(
            &format!("/api/v1/audit/verify?fromDate={today}&toDate={today}"),
            &token,
        )
        .await;
    assert_eq!(
        (dated.text("fromDate"), dated.text("toDate")),
        (today.to_owned(), today.to_owned())
    );
    let none = harness
        .get("/api/v1/audit/verify?toDate=2020-01-01", &token)
        .await;
    assert_eq!(
        (none.member("verified"), none.member("checkedCount")),
        (&json!(true), &json!(0))
    );
    harness.stop().await;
}

#[tokio::test]
async fn pages_and_cursors_go_through_the_log() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    for _ in 0..5 {
        harness.admin_token().await;
    }
    let issued = "/api/v1/audit?action=token.issued&limit=2";
    let first = harness.get(issued, &token).await;
    assert_eq!(
        (first.member("total"), first.member("totalIsExact")),
        (&json!(6), &json!(true))
    );
    let cursor = first.text("nextCursor");
    let by_cursor = harness
        .get(&format!("{issued}&cursor={cursor}"), &token)
        .await;
    let by_page = harness.get(&format!("{issued}&page=2"), &token).await;
    assert_eq!(by_cursor.member("data"), by_page.member("data"));
    let last = harness.get(&format!("{issued}&page=3"), &token).await;
    assert_eq!(
        (
            last.member("data").as_array().unwrap().len(),
            last.member("nextCursor")
        ),
        (2, &Value::Null)
    );
    for (query, field) in [
        (format!("&cursor={cursor}&page=2"), "cursor"),
        ("&cursor=AAAA".to_owned(), "cursor"),
        ("&page=5001".to_owned(), "page"),
        ("&fromDate=yesterday".to_owned(), "fromDate"),
        ("&colour=red".to_owned(), "colour"),
    ] {
        let refused = harness.get(&format!("{issued}{query}"), &token).await;
        assert_eq!(
            (refused.status, refused.faults()),
            (400, vec![field.to_owned()]),
            "{query}"
        );
    }
    let unknown = harness
        .get("/api/v1/audit?action=agent.teleported", &token)
        .await;
    assert_eq!(
        (unknown.status, unknown.faults()),
        (400, vec!["action".to_owned()])
    );
    let old = harness
        .get("/api/v1/audit?fromDate=2020-01-01", &token)
        .await;
    assert_eq!(
        (old.status, old.code()),
        (400, "RETENTION_WINDOW_EXCEEDED".to_owned())
    );
    harness.stop().await;
}

#[tokio::test]
async fn one_event_is_read_by_its_id() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let event = harness.events("?limit=1").await.remove(0);
    let path = format!("/api/v1/audit/{}", event["eventId"].as_str().unwrap());
    assert_eq!(harness.get(&path, &token).await.body, Some(event));
    for unknown in ["0192f8c4-0000-7000-8000-000000000000", "not-an-id"] {
        let answer = harness
            .get(&format!("/api/v1/audit/{unknown}"), &token)
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "AUDIT_EVENT_NOT_FOUND".to_owned()),
            "{unknown}"
        );
    }
    let without = harness.token(&harness.admin, "agents:read").await;
    for path in [path.as_str(), "/api/v1/audit", "/api/v1/audit/verify"] {
        let answer = harness.get(path, &without).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "INSUFFICIENT_SCOPE".to_owned())
        );
    }
    harness.stop().await;
}

//! Section agents over HTTP.

use serde_json::{Value, json};

use crate::harness::{self, Answer, Harness, Identity};

/// A valid registration with that address.
pub fn registration(email: &str) -> Value {
    json!({
        "email": email,
        "agentType": "screener",
        "version": "1.4.0",
        "capabilities": ["resume:read", "email"],
        "owner": "talent",
        "deploymentEnv": "production",
    })
}

impl Harness {
    /// Registers an agent, which must work.
    pub async fn register(&self, email: &str, token: &str) -> Answer {
        let request = self
            .request("POST", "/api/v1/agents")
            .bearer_auth(token)
            .json(&registration(email));
        let answer = self.send(request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
    }

    /// `PATCH` of an agent.
    pub async fn patch(&self, id: &str, token: &str, change: &Value) -> Answer {
        let request = self
            .request("PATCH", &format!("/api/v1/agents/{id}"))
            .bearer_auth(token)
            .json(change);
        self.send(request).await
    }

    /// `DELETE` of a path.
    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(self.request("DELETE", path).bearer_auth(token))
            .await
    }

    /// A new member with a credential.
    pub async fn member(&self, email: &str) -> Identity {
        let token = self.admin_token().await;
        let agent = self.register(email, &token).await;
        self.identity(&agent.text("agentId"), &token).await
    }
}

#[tokio::test]
async fn an_agent_is_registered_read_changed_and_decommissioned() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let agent = harness.register("Screener@Example.com", &token).await;
    let id = agent.text("agentId");
    let path = format!("/api/v1/agents/{id}");
    assert_eq!(agent.text("role"), "member");
    assert_eq!(agent.text("status"), "active");
    assert_eq!(agent.member("isPublic"), false);
    assert_eq!(agent.member("did"), &Value::Null);
    assert_eq!(harness.get(&path, &token).await.body, agent.body);

    let changed = harness
        .patch(&id, &token, &json!({"version": "2.0", "capabilities": []}))
        .await;
    assert_eq!(
        (changed.status, changed.text("version").as_str()),
        (200, "2.0")
    );
    assert_eq!(changed.member("capabilities"), &json!([]));
    let same = harness.patch(&id, &token, &json!({"version": "2.0"})).await;
    assert_eq!(
        same.body, changed.body,
        "an unchanged value changes nothing"
    );

    assert_eq!(harness.delete(&path, &token).await.status, 204);
    assert_eq!(
        harness.get(&path, &token).await.text("status"),
        "decommissioned"
    );
    let again = harness.delete(&path, &token).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "AGENT_ALREADY_DECOMMISSIONED")
    );
    let late = harness.patch(&id, &token, &json!({"owner": "x"})).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (409, "AGENT_ALREADY_DECOMMISSIONED")
    );
    harness.stop().await;
}

#[tokio::test]
async fn every_invalid_field_is_reported_at_once() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let body = json!({
        "email": "nobody",
        "agentType": "spy",
        "version": "one",
        "capabilities": ["ok", "Not Ok", 7],
        "owner": "a\u{7}b",
        "deploymentEnv": null,
        "isPublic": "yes",
        "surprise": 1,
    });
    let answer = harness
        .send(
            harness
                .request("POST", "/api/v1/agents")
                .bearer_auth(&token)
                .json(&body),
        )
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "VALIDATION_ERROR")
    );
    let mut faults = answer.faults();
    faults.sort();
    assert_eq!(
        faults,
        [
            "agentType",
            "capabilities[1]",
            "capabilities[2]",
            "deploymentEnv",
            "email",
            "isPublic",
            "owner",
            "surprise",
            "version"
        ]
    );

    let empty = harness
        .send(
            harness
                .request("POST", "/api/v1/agents")
                .bearer_auth(&token)
                .json(&json!({})),
        )
        .await;
    assert_eq!(
        empty.faults(),
        [
            "email",
            "agentType",
            "version",
            "capabilities",
            "owner",
            "deploymentEnv"
        ]
    );
    let one = harness
        .patch(&harness.admin.client_id, &token, &json!({"owner": ""}))
        .await;
    assert_eq!(one.member("details")["field"], "owner");
    let none = harness
        .patch(&harness.admin.client_id, &token, &json!({}))
        .await;
    assert_eq!(none.faults(), ["body"]);
    harness.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_object() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let send = async |media: &str, body: &'static str| {
        let request = harness
            .request("POST", "/api/v1/agents")
            .bearer_auth(&token)
            .header("content-type", media);
        let answer = harness.send(request.body(body)).await;
        (answer.status, answer.faults())
    };
    let body = |status: u16| (status, vec!["body".to_owned()]);
    assert_eq!(send("application/json", "{").await, body(400));
    assert_eq!(send("application/json", "[]").await, body(400));
    assert_eq!(send("application/json", "").await, body(400));
    assert_eq!(
        send("application/json", r#"{"email":"a@b.c","email":"d@e.f"}"#).await,
        body(400)
    );
    assert_eq!(send("text/plain", "{}").await, (415, Vec::new()));
    assert_eq!(
        send("Application/JSON; charset=utf-8", "{").await,
        body(400)
    );
    harness.stop().await;
}

#[tokio::test]
async fn an_address_is_taken_without_regard_to_case() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    harness.register("one@example.com", &token).await;
    let request = harness
        .request("POST", "/api/v1/agents")
        .bearer_auth(&token)
        .json(&registration("ONE@example.COM"));
    let answer = harness.send(request).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "AGENT_ALREADY_EXISTS")
    );
    harness.stop().await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    for n in 0..5 {
        harness
            .register(&format!("agent-{n}@example.com"), &token)
            .await;
    }
    let list = async |query: &str| harness.get(&format!("/api/v1/agents{query}"), &token).await;
    let emails = |answer: &Answer| -> Vec<String> {
        answer
            .member("data")
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["email"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = list("?q=AGENT-&limit=2&page=2").await;
    assert_eq!(
        emails(&page),
        ["agent-2@example.com", "agent-1@example.com"]
    );
    assert_eq!(
        (
            page.member("total"),
            page.member("page"),
            page.member("limit")
        ),
        (&json!(5), &json!(2), &json!(2))
    );
    assert_eq!(
        emails(&list("?q=agent-&page=9").await),
        Vec::<String>::new()
    );
    assert_eq!(
        list("?owner=talent&agentType=screener&status=active&deploymentEnv=production")
            .await
            .member("total"),
        5
    );
    assert_eq!(list("?agentType=custom").await.member("total"), 1);
    assert_eq!(list("?q=%25").await.member("total"), 0);

    for (query, fields) in [
        ("?page=0", vec!["page"]),
        ("?limit=101&status=lost", vec!["status", "limit"]),
        ("?page=101&limit=100", vec!["page"]),
        ("?page=1&page=2", vec!["page"]),
        ("?page=1.5&limit=%2B1", vec!["page", "limit"]),
        ("?limit=", vec!["limit"]),
        ("?q=%ff", vec!["query"]),
    ] {
        let answer = list(query).await;
        assert_eq!(
            (answer.status, answer.faults()),
            (400, fields.iter().map(|f| (*f).to_owned()).collect()),
            "{query}"
        );
    }
    assert_eq!(list("?page=100&limit=100").await.status, 200);
    harness.stop().await;
}

#[tokio::test]
async fn a_member_manages_itself_and_nobody_else() {
    let harness = harness::start().await;
    let member = harness.member("member@example.com").await;
    let token = harness.token(&member, "agents:read agents:write").await;
    let other = harness.admin.client_id.as_str();
    for answer in [
        harness.patch(other, &token, &json!({"nonsense": 1})).await,
        harness
            .delete(&format!("/api/v1/agents/{other}"), &token)
            .await,
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "FORBIDDEN"),
            "the role comes before the body"
        );
    }
    assert_eq!(
        harness
            .get(&format!("/api/v1/agents/{other}"), &token)
            .await
            .status,
        200
    );
    assert_eq!(
        harness
            .patch(&member.client_id, &token, &json!({"owner": "me"}))
            .await
            .status,
        200
    );
    harness.register("by-member@example.com", &token).await;
    harness.stop().await;
}

#[tokio::test]
async fn the_last_admin_stays() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let id = harness.admin.client_id.as_str();
    for answer in [
        harness
            .patch(id, &token, &json!({"status": "suspended"}))
            .await,
        harness
            .patch(id, &token, &json!({"status": "decommissioned"}))
            .await,
        harness
            .delete(&format!("/api/v1/agents/{id}"), &token)
            .await,
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (409, "LAST_ADMIN"));
    }
    harness.stop().await;
}

#[tokio::test]
async fn suspending_ends_tokens_at_once_and_reactivating_does_not_bring_them_back() {
    let harness = harness::start().await;
    let admin = harness.admin_token().await;
    let member = harness.member("member@example.com").await;
    let token = harness.token(&member, "agents:read").await;
    let path = format!("/api/v1/agents/{}", member.client_id);
    assert_eq!(harness.get(&path, &token).await.status, 200);
    let suspended = harness
        .patch(&member.client_id, &admin, &json!({"status": "suspended"}))
        .await;
    assert_eq!(suspended.text("status"), "suspended");
    assert_eq!(harness.get(&path, &token).await.status, 401);
    let refused = harness.form("/api/v1/token", &member.form()).await;
    assert_eq!(
        (refused.status, refused.text("error").as_str()),
        (403, "unauthorized_client")
    );

    assert_eq!(
        harness
            .patch(&member.client_id, &admin, &json!({"status": "active"}))
            .await
            .status,
        200
    );
    assert_eq!(harness.get(&path, &token).await.status, 401);
    let fresh = harness.token(&member, "agents:read").await;
    assert_eq!(harness.get(&path, &fresh).await.status, 200);
    harness.stop().await;
}

#[tokio::test]
async fn another_organization_needs_its_scope_and_has_to_exist() {
    let harness = harness::start().await;
    let plain = harness.admin_token().await;
    let across = harness
        .token(&harness.admin, "agents:write admin:orgs")
        .await;
    let mut body = registration("elsewhere@example.com");
    body["organizationId"] = json!("0192f8c4-0000-7000-8000-000000000000");
    let send = async |token: &str, body: &Value| {
        let answer = harness
            .send(
                harness
                    .request("POST", "/api/v1/agents")
                    .bearer_auth(token)
                    .json(body),
            )
            .await;
        (answer.status, answer.code())
    };
    assert_eq!(
        send(&plain, &body).await,
        (403, "INSUFFICIENT_SCOPE".to_owned())
    );
    assert_eq!(
        send(&across, &body).await,
        (404, "ORG_NOT_FOUND".to_owned())
    );
    body["organizationId"] = json!(harness.admin.organization_id);
    assert_eq!(send(&plain, &body).await.0, 201);
    harness.stop().await;
}

#[tokio::test]
async fn an_id_that_is_no_text_is_as_unknown_as_any_other() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    for (path, code) in [
        ("/api/v1/agents/%ff", "AGENT_NOT_FOUND"),
        ("/api/v1/audit/%C3%28", "AUDIT_EVENT_NOT_FOUND"),
    ] {
        let found = harness.get(path, &token).await;
        assert_eq!((found.status, found.code().as_str()), (404, code));
        let unnamed = harness.send(harness.request("GET", path)).await;
        assert_eq!(unnamed.status, 401, "who calls is judged first");
    }
    harness.stop().await;
}

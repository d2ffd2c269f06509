//! Section credentials over HTTP.

use std::{sync::Arc, time::Duration};

use agentidp_server::clock::{Clock, ManualClock, SystemClock};
use serde_json::json;

use crate::harness::{self, Answer, Harness, Identity};

impl Harness {
    /// `POST` of JSON.
    pub async fn post(&self, path: &str, token: &str, body: &serde_json::Value) -> Answer {
        self.send(self.request("POST", path).bearer_auth(token).json(body))
            .await
    }

    /// A new credential of that agent.
    pub async fn identity(&self, agent_id: &str, token: &str) -> Identity {
        let path = format!("/api/v1/agents/{agent_id}/credentials");
        let answer = self
            .send(self.request("POST", &path).bearer_auth(token))
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
        self.as_identity(&answer)
    }

    fn as_identity(&self, answer: &Answer) -> Identity {
        Identity {
            client_id: answer.text("clientId"),
            client_secret: answer.text("clientSecret"),
            organization_id: self.admin.organization_id.clone(),
        }
    }

    async fn works(&self, identity: &Identity) -> bool {
        self.form("/api/v1/token", &identity.form()).await.status == 200
    }
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &token)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    let made = harness
        .post(&path, &token, &json!({"scopes": ["agents:read", "openid"]}))
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("cache-control"), "no-store");
    let secret = made.text("clientSecret");
    assert_eq!((secret.len(), &secret[..8]), (72, "sk_live_"));
    assert_eq!(made.member("scopes"), &json!(["agents:read", "openid"]));

    let list = harness.get(&path, &token).await;
    assert_eq!(list.member("total"), 1);
    assert!(!list.body.as_ref().unwrap().to_string().contains(&secret));

    let identity = harness.as_identity(&made);
    harness.token(&identity, "agents:read").await;
    let mut more = identity.form().to_vec();
    more.push(("scope", "agents:write"));
    assert_eq!(
        harness.form("/api/v1/token", &more).await.text("error"),
        "invalid_scope"
    );
    harness.stop().await;
}

#[tokio::test]
async fn at_most_ten_are_active() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &token)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    for _ in 0..10 {
        harness.identity(&agent, &token).await;
    }
    let eleventh = harness.post(&path, &token, &json!({})).await;
    assert_eq!(
        (eleventh.status, eleventh.code().as_str()),
        (409, "CREDENTIAL_LIMIT_REACHED")
    );
    let newest = harness.get(&format!("{path}?limit=1"), &token).await;
    let id = newest.member("data")[0]["credentialId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        harness.delete(&format!("{path}/{id}"), &token).await.status,
        204
    );
    harness.identity(&agent, &token).await;
    assert_eq!(
        harness
            .get(&format!("{path}?status=revoked"), &token)
            .await
            .member("total"),
        1
    );
    assert_eq!(
        harness
            .get(&format!("{path}?status=active"), &token)
            .await
            .member("total"),
        10
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_revoked_secret_and_its_tokens_stop_at_once() {
    let harness = harness::start().await;
    let admin = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &admin)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    let made = harness.post(&path, &admin, &json!({})).await;
    let identity = harness.as_identity(&made);
    let token = harness.token(&identity, "agents:read").await;
    let one = format!("{path}/{}", made.text("credentialId"));
    assert_eq!(harness.delete(&one, &admin).await.status, 204);
    assert_eq!(
        harness
            .get(&format!("/api/v1/agents/{agent}"), &token)
            .await
            .status,
        401
    );
    assert!(!harness.works(&identity).await);
    for answer in [
        harness.delete(&one, &admin).await,
        harness
            .post(&format!("{one}/rotate"), &admin, &json!({}))
            .await,
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "CREDENTIAL_ALREADY_REVOKED")
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn rotation_keeps_the_id_and_ends_the_old_secret() {
    let harness = harness::start().await;
    let admin = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &admin)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    let made = harness.post(&path, &admin, &json!({})).await;
    let old = harness.as_identity(&made);
    let token = harness.token(&old, "agents:read").await;
    let rotate = format!("{path}/{}/rotate", made.text("credentialId"));
    let rotated = harness
        .send(harness.request("POST", &rotate).bearer_auth(&admin))
        .await;
    assert_eq!(rotated.status, 200);
    assert_eq!(rotated.text("credentialId"), made.text("credentialId"));
    assert!(!harness.works(&old).await);
    assert!(harness.works(&harness.as_identity(&rotated)).await);
    assert_eq!(
        harness
            .get(&format!("/api/v1/agents/{agent}"), &token)
            .await
            .status,
        401
    );
    let wrong = harness
        .post(&rotate, &admin, &json!({"gracePeriodSeconds": 86401}))
        .await;
    assert_eq!(wrong.faults(), ["gracePeriodSeconds"]);
    harness.stop().await;
}

#[tokio::test]
async fn a_grace_period_ends_by_the_clock() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let harness =
        harness::start_in(folder, &[("RATE_LIMIT_MAX_REQUESTS", "0")], clock.clone()).await;
    let admin = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &admin)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    let made = harness.post(&path, &admin, &json!({})).await;
    let old = harness.as_identity(&made);
    let token = harness.token(&old, "agents:read").await;
    let rotate = format!("{path}/{}/rotate", made.text("credentialId"));
    let rotated = harness
        .post(&rotate, &admin, &json!({"gracePeriodSeconds": 60}))
        .await;
    let itself = format!("/api/v1/agents/{agent}");
    assert!(harness.works(&old).await);
    assert_eq!(harness.get(&itself, &token).await.status, 200);
    clock.advance(Duration::from_secs(61));
    assert!(!harness.works(&old).await);
    assert_eq!(harness.get(&itself, &token).await.status, 401);
    assert!(harness.works(&harness.as_identity(&rotated)).await);
    harness.stop().await;
}

#[tokio::test]
async fn expiry_lies_in_the_future_and_counts() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let harness =
        harness::start_in(folder, &[("RATE_LIMIT_MAX_REQUESTS", "0")], clock.clone()).await;
    let admin = harness.admin_token().await;
    let agent = harness
        .register("a@example.com", &admin)
        .await
        .text("agentId");
    let path = format!("/api/v1/agents/{agent}/credentials");
    let past = harness
        .post(
            &path,
            &admin,
            &json!({"expiresAt": clock.now().to_string()}),
        )
        .await;
    assert_eq!(past.faults(), ["expiresAt"]);
    let soon = clock.now().plus(Duration::from_secs(10)).to_string();
    let made = harness
        .post(&path, &admin, &json!({"expiresAt": soon}))
        .await;
    assert_eq!(made.text("expiresAt"), soon);
    let identity = harness.as_identity(&made);
    assert!(harness.works(&identity).await);
    clock.advance(Duration::from_secs(10));
    assert!(!harness.works(&identity).await);
    harness.stop().await;
}

#[tokio::test]
async fn members_manage_their_own_and_only_active_agents_get_any() {
    let harness = harness::start().await;
    let admin = harness.admin_token().await;
    let member = harness.member("m@example.com").await;
    let token = harness.token(&member, "agents:read agents:write").await;
    harness.identity(&member.client_id, &token).await;
    let others = format!("/api/v1/agents/{}/credentials", harness.admin.client_id);
    let refused = harness.post(&others, &token, &json!({"nonsense": 1})).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "FORBIDDEN")
    );
    assert_eq!(harness.get(&others, &token).await.status, 200);

    harness
        .patch(&member.client_id, &admin, &json!({"status": "suspended"}))
        .await;
    let path = format!("/api/v1/agents/{}/credentials", member.client_id);
    let inactive = harness.post(&path, &admin, &json!({})).await;
    assert_eq!(
        (inactive.status, inactive.code().as_str()),
        (400, "AGENT_NOT_ACTIVE")
    );
    harness.stop().await;
}

/// A token under a credential of that agent that is limited to these scopes, and its id.
async fn limited(harness: &Harness, agent: &str, scopes: &[&str]) -> (String, String) {
    let path = format!("/api/v1/agents/{agent}/credentials");
    let admin = harness.admin_token().await;
    let made = harness
        .post(&path, &admin, &json!({"scopes": scopes}))
        .await;
    let identity = harness.as_identity(&made);
    let token = harness.token(&identity, &scopes.join(" ")).await;
    (token, made.text("credentialId"))
}

fn assert_forbidden(answer: &Answer, scope: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"));
    let message = answer.text("message");
    assert!(message.contains(scope), "{message}");
}

#[tokio::test]
async fn a_limited_credential_makes_no_wider_one() {
    let harness = harness::start().await;
    let member = harness.member("m@example.com").await;
    let pairs = [
        (member.client_id.clone(), member.client_id.clone()),
        (harness.admin.client_id.clone(), member.client_id.clone()),
    ];
    for (caller, target) in pairs {
        let (token, _) = limited(&harness, &caller, &["agents:read", "agents:write"]).await;
        let path = format!("/api/v1/agents/{target}/credentials");

        let same = harness.post(&path, &token, &json!({})).await;
        assert_eq!(same.status, 201);
        assert_eq!(
            same.member("scopes"),
            &json!(["agents:read", "agents:write"])
        );
        let made = harness.as_identity(&same);
        let mut more = made.form().to_vec();
        more.push(("scope", "audit:read"));
        assert_eq!(
            harness.form("/api/v1/token", &more).await.text("error"),
            "invalid_scope"
        );

        let fewer = json!({"scopes": ["agents:read"]});
        let fewer = harness.post(&path, &token, &fewer).await;
        assert_eq!(fewer.status, 201);
        assert_eq!(fewer.member("scopes"), &json!(["agents:read"]));

        let wider = json!({"scopes": ["agents:read", "audit:read"]});
        assert_forbidden(&harness.post(&path, &token, &wider).await, "audit:read");
        // What is wrong with the body comes before what it asks for.
        let wrong = json!({"scopes": ["audit:read"], "expiresAt": "2000-01-01T00:00:00.000Z"});
        assert_eq!(
            harness.post(&path, &token, &wrong).await.faults(),
            ["expiresAt"]
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn a_limited_credential_takes_no_wider_one_over() {
    let harness = harness::start().await;
    let member = harness.member("m@example.com").await;
    let agent = &member.client_id;
    let path = format!("/api/v1/agents/{agent}/credentials");
    let (_, wider) = limited(&harness, agent, &["agents:write", "audit:read"]).await;
    let (_, fewer) = limited(&harness, agent, &["agents:write"]).await;
    let (token, itself) = limited(&harness, agent, &["agents:read", "agents:write"]).await;
    let list = harness.get(&path, &token).await;
    let unlimited = list.member("data")[3]["credentialId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(list.member("data")[3]["scopes"], json!(null));

    let rotate = async |id: &str| {
        let path = format!("{path}/{id}/rotate");
        harness.post(&path, &token, &json!({})).await
    };
    assert_forbidden(&rotate(&unlimited).await, "audit:read");
    assert_forbidden(&rotate(&wider).await, "audit:read");
    assert!(harness.works(&member).await);
    assert_eq!(rotate(&fewer).await.status, 200);
    assert_eq!(rotate(&itself).await.status, 200);
    harness.stop().await;
}

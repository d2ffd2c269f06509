//! Where secrets are, from their first moment to their last.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agentidp_server::{
    clock::SystemClock,
    config::{Config, Source},
    storage,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Place;
use crate::{
    database,
    harness::{self, Harness, Identity},
};

pub fn variables(place: &Place) -> [(&str, &str); 4] {
    [
        ("VAULT_ADDR", place.settings.address.as_str()),
        ("VAULT_TOKEN", place.settings.token.expose()),
        ("VAULT_MOUNT", place.settings.mount.as_str()),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ]
}

pub async fn status(running: &Harness, client: &Identity) -> u16 {
    running.form("/api/v1/token", &client.form()).await.status
}

/// What the database holds of a client's secrets, the server being stopped.
pub async fn stored(folder: &TempDir, client: &Identity) -> Vec<String> {
    let data = folder.path().display().to_string();
    let mut source = Source::of(&[("AGENTIDP_DATA_DIR", &data)]);
    for (name, value) in database::chosen(folder.path()).await {
        source.set(name, value);
    }
    let config = Config::load(&source).unwrap();
    let storage = storage::open(&config, Arc::new(SystemClock)).await.unwrap();
    let id = client.client_id.parse().unwrap();
    let record = storage.credentials().client(id).await.unwrap().unwrap();
    storage.close().await;
    let secrets = record.credentials.into_iter().flat_map(|it| it.secrets);
    secrets.map(|secret| secret.hash).collect()
}

/// The only active credential of a client.
pub async fn credential(running: &Harness, client: &Identity, token: &str) -> String {
    let path = format!(
        "/api/v1/agents/{}/credentials?status=active",
        client.client_id
    );
    let page = running.get(&path, token).await;
    page.member("data")[0]["credentialId"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn entry(place: &Place, kind: &str, client: &Identity, credential: &str) -> String {
    let id = &client.client_id;
    place.path(&format!(
        "{kind}/agentidp/agents/{id}/credentials/{credential}"
    ))
}

/// The client with the secret that a rotation gave it.
pub async fn rotated(
    running: &Harness,
    client: &Identity,
    credential: &str,
    grace: u32,
    token: &str,
) -> Identity {
    let id = &client.client_id;
    let path = format!("/api/v1/agents/{id}/credentials/{credential}/rotate");
    let request = running.request("POST", &path).bearer_auth(token);
    let answer = running
        .send(request.json(&json!({ "gracePeriodSeconds": grace })))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Identity {
        client_secret: answer.text("clientSecret"),
        ..client.clone()
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn hashes_are_in_vault_and_the_database_names_them() {
    for place in Place::all().await {
        let running = harness::start_with(&variables(&place)).await;
        let token = running.admin_token().await;
        let agent = running.register("a@example.com", &token).await;
        let client = running.identity(&agent.text("agentId"), &token).await;
        assert_eq!(status(&running, &client).await, 200);
        for (who, secret) in [
            (&client, &client.client_secret),
            (&running.admin, &running.admin.client_secret),
        ] {
            let id = credential(&running, who, &token).await;
            let (found, body) = place
                .call("GET", &entry(&place, "data", who, &id), None)
                .await;
            assert_eq!(found, 200);
            let text = body.to_string();
            assert!(
                text.contains("hmac-sha256$") && !text.contains(secret.as_str()),
                "{text}"
            );
        }
        let admin = running.admin.clone();
        let folder = running.stop().await;
        for who in [&admin, &client] {
            let stored = stored(&folder, who).await;
            assert!(
                stored.len() == 1 && stored[0].starts_with("vault$"),
                "{stored:?}"
            );
        }
        let again = harness::start_in(folder, &variables(&place), Arc::new(SystemClock)).await;
        for who in [&admin, &client] {
            assert_eq!(status(&again, who).await, 200);
        }
        again.stop().await;
    }
}

#[tokio::test]
async fn rotation_keeps_what_counts_even_where_vault_keeps_one_version() {
    for place in Place::all().await {
        let running = harness::start_with(&variables(&place)).await;
        let token = running.admin_token().await;
        let agent = running.register("a@example.com", &token).await;
        let first = running.identity(&agent.text("agentId"), &token).await;
        let id = credential(&running, &first, &token).await;
        let one = json!({ "max_versions": 1 });
        let metadata = entry(&place, "metadata", &first, &id);
        assert_eq!(place.call("POST", &metadata, Some(one)).await.0, 204);

        let second = rotated(&running, &first, &id, 3600, &token).await;
        for client in [&first, &second] {
            assert_eq!(status(&running, client).await, 200);
        }
        let third = rotated(&running, &second, &id, 0, &token).await;
        assert_eq!(status(&running, &third).await, 200);
        for client in [&first, &second] {
            assert_eq!(status(&running, client).await, 401);
        }

        // At once: each is acknowledged, the last one counts, and it is there.
        let at_once = [(); 4].map(|()| rotated(&running, &third, &id, 0, &token));
        let all = futures_util::future::join_all(at_once).await;
        let mut good = 0;
        for client in &all {
            good += usize::from(status(&running, client).await == 200);
        }
        assert_eq!(good, 1);
        assert_eq!(status(&running, &third).await, 401);
        running.stop().await;
    }
}

#[tokio::test]
async fn revocation_deletes_every_version() {
    for place in Place::all().await {
        let running = harness::start_with(&variables(&place)).await;
        let token = running.admin_token().await;
        let mut clients = Vec::new();
        for email in ["a@example.com", "b@example.com"] {
            let agent = running.register(email, &token).await;
            let old = running.identity(&agent.text("agentId"), &token).await;
            let id = credential(&running, &old, &token).await;
            clients.push((rotated(&running, &old, &id, 0, &token).await, id));
        }
        let [(revoked, first), (ended, second)] = &clients[..] else {
            panic!()
        };
        let path = format!("/api/v1/agents/{}", revoked.client_id);
        let one = format!("{path}/credentials/{first}");
        let answer = running
            .send(running.request("DELETE", &one).bearer_auth(&token))
            .await;
        assert_eq!(answer.status, 204);
        assert_eq!(status(&running, revoked).await, 401);
        let path = format!("/api/v1/agents/{}", ended.client_id);
        let answer = running
            .send(running.request("DELETE", &path).bearer_auth(&token))
            .await;
        assert_eq!(answer.status, 204);
        for (client, id) in [(revoked, first), (ended, second)] {
            let metadata = entry(&place, "metadata", client, id);
            until("deleted", async || {
                place.call("GET", &metadata, None).await.0 == 404
            })
            .await;
        }
        // The database forgets its reference only after that; who knows the secret is told why.
        let admin = running.admin.clone();
        let folder = running.stop().await;
        let again = harness::start_in(folder, &variables(&place), Arc::new(SystemClock)).await;
        until("back in the database", async || {
            status(&again, ended).await == 403
        })
        .await;
        assert_eq!(status(&again, revoked).await, 401);
        assert_eq!(status(&again, &admin).await, 200);
        again.stop().await;
    }
}

#[tokio::test]
async fn hashes_move_to_vault_at_their_next_use() {
    for place in Place::all().await {
        let without = harness::start().await;
        let admin = without.admin.clone();
        let folder = without.stop().await;
        let running = harness::start_in(folder, &variables(&place), Arc::new(SystemClock)).await;
        for _ in 0..2 {
            assert_eq!(status(&running, &admin).await, 200);
        }
        let folder = running.stop().await;
        assert!(stored(&folder, &admin).await[0].starts_with("vault$"));
        let again = harness::start_in(folder, &variables(&place), Arc::new(SystemClock)).await;
        assert_eq!(status(&again, &admin).await, 200);
        let folder = again.stop().await;
        // Without the Vault that holds it nothing can be said of the secret.
        let unlimited = [("RATE_LIMIT_MAX_REQUESTS", "0")];
        let lost = harness::start_in(folder, &unlimited, Arc::new(SystemClock)).await;
        assert_eq!(status(&lost, &admin).await, 503);
        lost.stop().await;
    }
}

#[tokio::test]
async fn a_credential_that_the_database_refuses_leaves_nothing() {
    for place in Place::all().await {
        let running = harness::start_with(&variables(&place)).await;
        let token = running.admin_token().await;
        let agent = running.register("a@example.com", &token).await;
        let path = format!("/api/v1/agents/{}/credentials", agent.text("agentId"));
        let mut statuses = Vec::new();
        for _ in 0..11 {
            let request = running.request("POST", &path).bearer_auth(&token);
            statuses.push(running.send(request.json(&json!({}))).await.status);
        }
        assert_eq!(statuses[..10], [201; 10]);
        assert_ne!(statuses[10], 201);
        let folder = place.path(&format!(
            "metadata/agentidp/agents/{}/credentials",
            agent.text("agentId")
        ));
        let (_, body) = place
            .call("GET", &format!("{folder}?list=true"), None)
            .await;
        let keys = body["data"]["keys"].as_array().map(Vec::len);
        assert_eq!(keys, Some(10), "{body}");
        assert_ne!(body, Value::Null);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_rotation_that_is_refused_writes_nothing() {
    for place in Place::all().await {
        let running = harness::start_with(&variables(&place)).await;
        let token = running.admin_token().await;
        let agent = running.register("a@example.com", &token).await;
        let client = running.identity(&agent.text("agentId"), &token).await;
        let id = credential(&running, &client, &token).await;
        let path = format!("/api/v1/agents/{}/credentials/{id}", client.client_id);
        let rotate = async |body: Value| {
            let request = running.request("POST", &format!("{path}/rotate"));
            let answer = running.send(request.bearer_auth(&token).json(&body)).await;
            (answer.status, answer.code())
        };
        let data = entry(&place, "data", &client, &id);
        let version = async || {
            let (_, body) = place.call("GET", &data, None).await;
            body["data"]["metadata"]["version"].clone()
        };
        let before = version().await;
        let past = json!({ "expiresAt": "2020-01-01T00:00:00.000Z" });
        assert_eq!(rotate(past).await, (400, "VALIDATION_ERROR".to_owned()));
        assert_eq!(version().await, before);

        let revoke = running.request("DELETE", &path).bearer_auth(&token);
        assert_eq!(running.send(revoke).await.status, 204);
        let metadata = entry(&place, "metadata", &client, &id);
        until("deleted", async || {
            place.call("GET", &metadata, None).await.0 == 404
        })
        .await;
        let refused = (409, "CREDENTIAL_ALREADY_REVOKED".to_owned());
        assert_eq!(rotate(json!({})).await, refused);
        assert_eq!(place.call("GET", &metadata, None).await.0, 404);
        running.stop().await;
    }
}

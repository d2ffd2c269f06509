//! A Vault that is away, and what callers learn of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agentidp_server::clock::{Clock as _, ManualClock, SystemClock};

use super::{
    secrets::{credential, rotated, status},
    stand_in::{Mood, StandIn, TOKEN},
};
use crate::harness::{self, Identity};

fn variables(vault: &StandIn) -> [(&str, &str); 4] {
    [
        ("VAULT_ADDR", vault.address.as_str()),
        ("VAULT_TOKEN", TOKEN),
        ("ISSUER", "https://idp.example.com"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ]
}

fn stranger(number: u32) -> Identity {
    Identity {
        client_id: format!("0192f8c4-0000-7000-8000-{number:012}"),
        client_secret: "sk_live_0".to_owned(),
        organization_id: String::new(),
    }
}

fn wrong(client: &Identity) -> Identity {
    Identity {
        client_secret: "sk_live_0".to_owned(),
        ..client.clone()
    }
}

#[tokio::test]
async fn without_vault_there_is_neither_a_wrong_yes_nor_a_wrong_no() {
    let vault = StandIn::start().await;
    let running = harness::start_with(&variables(&vault)).await;
    let token = running.admin_token().await;
    let agent = running.register("a@example.com", &token).await;
    let client = running.identity(&agent.text("agentId"), &token).await;
    let admin = running.admin.clone();
    let folder = running.stop().await;

    // A start in the outage: who was not met yet gets no answer about a secret, whoever it is, in
    // bounded time. Tokens need no Vault.
    vault.set(Mood::Hanging);
    let running = harness::start_in(folder, &variables(&vault), Arc::new(SystemClock)).await;
    let began = Instant::now();
    for unmet in [&client, &wrong(&client), &stranger(1)] {
        let answer = running.form("/api/v1/token", &unmet.form()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    }
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(running.get("/api/v1/agents", &token).await.status, 200);

    vault.set(Mood::Serving);
    let deadline = Instant::now() + Duration::from_secs(10);
    while status(&running, &client).await != 200 {
        assert!(Instant::now() < deadline, "it recovers by itself");
    }
    assert_eq!(status(&running, &stranger(1)).await, 401);

    // Who was met goes on, right or wrong.
    for mood in [Mood::Sealed, Mood::Denying, Mood::Hanging] {
        vault.set(mood);
        assert_eq!(status(&running, &client).await, 200, "{mood:?}");
        assert_eq!(status(&running, &wrong(&client)).await, 401, "{mood:?}");
        assert_eq!(status(&running, &stranger(1)).await, 401, "{mood:?}");
        assert_eq!(status(&running, &admin).await, 503, "{mood:?}");
        assert_eq!(status(&running, &stranger(2)).await, 503, "{mood:?}");
    }
    running.stop().await;
}

#[tokio::test]
async fn changes_without_vault_are_refused_and_change_nothing() {
    let vault = StandIn::start().await;
    let running = harness::start_with(&variables(&vault)).await;
    let token = running.admin_token().await;
    let agent = running.register("a@example.com", &token).await;
    let client = running.identity(&agent.text("agentId"), &token).await;
    let id = credential(&running, &client, &token).await;
    assert_eq!(status(&running, &client).await, 200);
    vault.set(Mood::Sealed);
    let path = format!("/api/v1/agents/{}/credentials", client.client_id);
    for path in [path.clone(), format!("{path}/{id}/rotate")] {
        let request = running.request("POST", &path).bearer_auth(&token);
        let answer = running.send(request.json(&serde_json::json!({}))).await;
        assert_eq!(answer.status, 503, "{path}");
    }
    assert_eq!(status(&running, &client).await, 200);
    vault.set(Mood::Serving);
    let client = rotated(&running, &client, &id, 0, &token).await;
    assert_eq!(status(&running, &client).await, 200);
    running.stop().await;
}

#[tokio::test]
async fn a_revocation_without_vault_is_final_and_deleted_later() {
    let vault = StandIn::start().await;
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let running = harness::start_in(folder, &variables(&vault), clock.clone()).await;
    let token = running.admin_token().await;
    let agent = running.register("a@example.com", &token).await;
    let client = running.identity(&agent.text("agentId"), &token).await;
    let id = credential(&running, &client, &token).await;
    assert_eq!(status(&running, &client).await, 200);
    vault.set(Mood::Sealed);
    let path = format!("/api/v1/agents/{}/credentials/{id}", client.client_id);
    let request = running.request("DELETE", &path).bearer_auth(&token);
    assert_eq!(running.send(request).await.status, 204);
    assert_eq!(status(&running, &client).await, 401);
    assert!(vault.paths().iter().any(|path| path.ends_with(&id)));

    // Not lost by a stop either.
    let folder = running.stop().await;
    vault.set(Mood::Serving);
    let running = harness::start_in(folder, &variables(&vault), clock.clone()).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while vault.paths().iter().any(|path| path.ends_with(&id)) {
        assert!(
            Instant::now() < deadline,
            "it is deleted when Vault is back"
        );
        clock.advance(Duration::from_secs(31));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status(&running, &client).await, 401);
    running.stop().await;
}

#[tokio::test]
async fn known_and_unknown_clients_ask_vault_alike() {
    let vault = StandIn::start().await;
    let running = harness::start_with(&variables(&vault)).await;
    let token = running.admin_token().await;
    let agent = running.register("a@example.com", &token).await;
    let client = running.identity(&agent.text("agentId"), &token).await;
    let mut asked = Vec::new();
    for attempt in [&wrong(&client), &stranger(1)] {
        for _ in 0..3 {
            let before = vault.calls().len();
            assert_eq!(status(&running, attempt).await, 401);
            asked.push(vault.calls()[before..].to_vec());
        }
    }
    let counts: Vec<usize> = asked.iter().map(Vec::len).collect();
    assert_eq!(counts, [1, 0, 0, 1, 0, 0], "{asked:?}");
    // And the right secret asks no more.
    let before = vault.calls().len();
    assert_eq!(status(&running, &client).await, 200);
    assert_eq!(vault.calls().len(), before);
    running.stop().await;
}

//! What operators do to a store from the command line, seen by the clients of a running server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{agents::registration, command::agentidp, harness};

/// How long a running server may take to follow what a command did.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_erased_agent_leaves_no_personal_data_and_every_proof() {
    let running = harness::start().await;
    let admin = running.admin_token().await;
    let made = running.register("Jane.Doe@example.com", &admin).await;
    let agent = made.text("agentId");
    let identity = running.identity(&agent, &admin).await;
    running.token(&identity, "agents:read").await;
    let stays = running.register("stays@example.com", &admin).await;
    let erase = ["erase", "--agent", &agent];
    let folder = running.folder.path();
    let refused = agentidp(folder, &erase, &[]).await.failed(1);
    assert!(refused.contains("is not decommissioned"), "{refused}");
    let path = format!("/api/v1/agents/{agent}");
    assert_eq!(running.delete(&path, &admin).await.status, 204);
    // Or the erasure would end at the address that it needs.
    let needed = format!("Erased-{}@erased.invalid", agent.replace('-', ""));
    let taking = running
        .request("POST", "/api/v1/agents")
        .bearer_auth(&admin);
    let taken = running.send(taking.json(&registration(&needed))).await;
    assert_eq!(taken.status, 400, "{taken:?}");

    let about = format!("/api/v1/audit?agentId={agent}&limit=100");
    let before = running.get(&about, &admin).await;
    let events = before.member("total").as_i64().unwrap();
    assert!(events >= 4, "{before:?}");
    let said = agentidp(folder, &erase, &[]).await.ok();
    assert!(
        said.contains(&format!("payloads of {events} audit events and what")),
        "{said}"
    );

    assert_eq!(running.get(&about, &admin).await.member("total"), 0);
    let record = running.get(&path, &admin).await;
    assert_eq!(record.text("owner"), "erased");
    let log = running.get("/api/v1/audit?limit=100", &admin).await;
    let log = log.member("data").as_array().unwrap();
    for old in before.member("data").as_array().unwrap() {
        let now = log.iter().find(|e| e["eventId"] == old["eventId"]).unwrap();
        let mut expected = old.clone();
        for (name, nothing) in [
            ("agentId", Value::Null),
            ("ipAddress", json!("")),
            ("userAgent", json!("")),
            ("metadata", json!({})),
            ("salt", json!("")),
        ] {
            expected[name] = nothing;
        }
        assert_eq!(*now, expected);
    }
    let all = format!("{record:?}{log:?}").to_lowercase();
    assert!(!all.contains("jane.doe"), "{all}");
    assert_eq!(log[0]["metadata"]["erasedAgentId"], agent.as_str());
    assert_eq!(log[0]["metadata"]["erasedEvents"], events);
    let verified = running.get("/api/v1/audit/verify", &admin).await;
    assert_eq!(verified.member("verified"), true, "{verified:?}");
    let other = format!("/api/v1/agents/{}", stays.text("agentId"));
    assert_eq!(
        running.get(&other, &admin).await.text("email"),
        "stays@example.com"
    );

    // Again there is nothing to do, and the record of the first time stays.
    let said = agentidp(folder, &erase, &[]).await.ok();
    assert!(
        said.contains("payloads of 0 audit events and nothing"),
        "{said}"
    );
    let id = log[0]["eventId"].as_str().unwrap();
    let record = running.get(&format!("/api/v1/audit/{id}"), &admin).await;
    assert_eq!(record.body.as_ref(), Some(&log[0]));
    // The address is free for somebody else.
    running.register("jane.doe@example.com", &admin).await;
    running.stop().await;
}

#[tokio::test]
async fn the_log_is_verified_exported_and_explained() {
    let running = harness::start().await;
    let admin = running.admin_token().await;
    let folder = running.folder.path();
    let organization = running.admin.organization_id.clone();
    let log = running.get("/api/v1/audit?limit=100", &admin).await;
    let log = log.member("data").as_array().unwrap().clone();

    let nobody = Uuid::nil().to_string();
    for action in ["verify", "export"] {
        let unknown = ["audit", action, "--organization", &nobody];
        let refused = agentidp(folder, &unknown, &[]).await.failed(1);
        assert!(refused.contains("there is no organization"), "{refused}");
    }
    let said = agentidp(folder, &["audit", "verify"], &[]).await.ok();
    let events = log.len();
    assert_eq!(
        said,
        format!("{organization}: {events} events, the chain holds\n")
    );
    let said = agentidp(folder, &["audit", "export"], &[]).await.ok();
    let mut exported: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    exported.reverse();
    assert_eq!(exported, log);
    let its = ["audit", "export", "--organization", &organization];
    assert_eq!(agentidp(folder, &its, &[]).await.ok(), said);

    let newest = log[0]["eventId"].as_str().unwrap();
    let said = agentidp(folder, &["audit", "explain", newest], &[]).await;
    let said = said.ok();
    for expected in [
        "action        token.issued",
        log[0]["hash"].as_str().unwrap(),
        "after         the newest event",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(said.matches("  holds\n").count(), 3, "{said}");
    let unknown = ["audit", "explain", "0192f8c4-0000-7000-8000-000000000000"];
    let refused = agentidp(folder, &unknown, &[]).await.failed(1);
    assert!(refused.contains("there is no event"), "{refused}");
    running.stop().await;
}

#[tokio::test]
async fn a_lost_admin_secret_is_replaced_while_the_server_runs() {
    let running = harness::start().await;
    let lost = running.admin.clone();
    let token = running.admin_token().await;
    let said = agentidp(running.folder.path(), &["bootstrap", "--reset"], &[]).await;
    let said = said.ok();
    let since = Instant::now();
    assert!(said.contains(&lost.client_id), "{said}");
    let file = std::fs::read(running.folder.path().join("bootstrap.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let mut fresh = lost.clone();
    fresh.client_secret = file["clientSecret"].as_str().unwrap().to_owned();
    assert!(!said.contains(&fresh.client_secret));
    assert_eq!(file["clientId"], lost.client_id.as_str());
    loop {
        let refused = running.form("/api/v1/token", &lost.form()).await.status == 401
            && running.get("/api/v1/agents", &token).await.status == 401;
        let granted = running.form("/api/v1/token", &fresh.form()).await.status == 200;
        if refused && granted {
            break;
        }
        assert!(since.elapsed() < KNOWN_WITHIN, "{refused} {granted}");
    }
    // A second reset ends the first.
    agentidp(running.folder.path(), &["bootstrap", "--reset"], &[])
        .await
        .ok();
    let folder = running.stop().await;
    let clock = std::sync::Arc::new(agentidp_server::clock::SystemClock);
    let again = harness::start_in(folder, &[("RATE_LIMIT_MAX_REQUESTS", "0")], clock).await;
    assert_ne!(again.admin.client_secret, fresh.client_secret);
    assert_eq!(again.form("/api/v1/token", &fresh.form()).await.status, 401);
    again.admin_token().await;
    again.stop().await;
}

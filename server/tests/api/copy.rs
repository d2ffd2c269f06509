//! A SQLite database is copied to PostgreSQL, and its clients notice nothing.

use std::{path::Path, sync::Arc};

use agentidp_server::clock::SystemClock;
use serde_json::json;

use crate::{
    command::{Ended, agentidp},
    database::{self, Variables},
    harness::{self, Answer, Harness},
    upgrade,
};

const KEY: (&str, &str) = ("ENCRYPTION_KEY", database::ENCRYPTION_KEY);

/// An empty database, with no schema yet.
fn empty() -> Variables {
    database::variables(&database::postgres().database().unwrap())
}

async fn copy(folder: &Path, file: &Path, to: &Variables) -> Ended {
    let words = ["copy", "--to", &to[0].1, "--migrate-as", &to[1].1];
    let from = format!("sqlite://{}", file.display());
    agentidp(folder, &words, &[("DATABASE_URL", &from), KEY]).await
}

fn on_sqlite() -> bool {
    !matches!(
        std::env::var("AGENTIDP_TEST_STORAGE").as_deref(),
        Ok("postgres")
    )
}

#[tokio::test]
async fn what_the_first_server_wrote_goes_on_on_postgresql() {
    if !on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first.db");
    let facts = upgrade::write_first(&file).await;
    let to = empty();
    let said = copy(folder.path(), &file, &to).await.ok();
    for expected in [
        "agents                  7\n",
        "credentials             6\n",
        "dependencies           11\n",
        "signing_keys            1\n",
        "audit_events           28\n",
        "left behind: 1 kept answers",
        "28 audit events in 1 chains hold on both sides",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let again = copy(folder.path(), &file, &to).await.failed(1);
    assert!(again.contains("it has rows in organizations"), "{again}");
    let variables: Vec<_> = to.iter().map(|(n, v)| (*n, v.as_str())).collect();
    upgrade::go_on(&facts, &variables).await;
}

async fn register_once(running: &Harness, token: &str) -> Answer {
    let request = running
        .request("POST", "/api/v1/agents")
        .bearer_auth(token)
        .header("idempotency-key", "one-key-on-both-databases")
        .json(&json!({
            "email": "once@example.com", "agentType": "router", "version": "1.0.0",
            "capabilities": [], "owner": "risk", "deploymentEnv": "production"
        }));
    running.send(request).await
}

#[tokio::test]
async fn a_database_in_use_is_not_copied_and_a_kept_answer_goes_along() {
    if !on_sqlite() {
        return;
    }
    let more = [
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("ISSUER", "https://idp.example.com"),
        KEY,
    ];
    let running = harness::start_with(&more).await;
    let token = running.admin_token().await;
    let first = register_once(&running, &token).await;
    assert_eq!(first.status, 201, "{first:?}");
    let to = empty();
    let file = running.folder.path().join("agentidp.db");
    let refused = copy(running.folder.path(), &file, &to).await.failed(1);
    assert!(refused.contains("is in use: stop the server"), "{refused}");
    let folder = running.stop().await;
    copy(folder.path(), &file, &to).await.ok();

    let variables: Vec<_> = to.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let variables = [&variables[..], &more].concat();
    let running = harness::start_in(folder, &variables, Arc::new(SystemClock)).await;
    let second = register_once(&running, &token).await;
    assert_eq!(second.header("idempotent-replayed"), "true", "{second:?}");
    assert_eq!(second.text("agentId"), first.text("agentId"));
    running.admin_token().await;
    running.stop().await;
}

#[tokio::test]
async fn a_forged_log_is_not_copied_and_the_target_stays_empty() {
    if !on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first.db");
    upgrade::write_first(&file).await;
    let from = format!("sqlite://{}", file.display());
    agentidp(folder.path(), &["migrate"], &[("DATABASE_URL", &from)])
        .await
        .ok();
    crate::backup::forge(&file).await;
    let to = empty();
    let refused = copy(folder.path(), &file, &to).await.failed(1);
    assert!(refused.contains("is broken in the source"), "{refused}");
    let missing = folder.path().join("nothing.db");
    let refused = copy(folder.path(), &missing, &to).await.failed(1);
    assert!(refused.contains("there is no database"), "{refused}");
    assert!(!missing.exists());
    upgrade::write_first(&folder.path().join("whole.db")).await;
    let whole = folder.path().join("whole.db");
    copy(folder.path(), &whole, &to).await.ok();
}

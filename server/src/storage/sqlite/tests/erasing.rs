//! Erasing, as the file shows it.

use sqlx::{Connection as _, SqliteConnection};

use super::{OneFile, clock};
use crate::{
    audit::{AuditAction, NewEvent},
    care,
    clock::Clock as _,
    generated::types::AgentRole,
    storage::{
        AgentEvents, DecommissionAgent, Reach, Storage as _,
        suite::{Backend as _, Bench},
    },
};

/// What the erasing routine does to a row.
const ERASING: &str =
    "agent_id = NULL, ip_address = '', user_agent = '', metadata = '{}', salt = x''";

#[tokio::test]
async fn erasing_passes_only_inside_its_routine_and_only_whole() {
    let (file, _, mut connection) = OneFile::with_events(clock()).await;
    let mut update = async |marked: bool, change: String| {
        let mut transaction = connection.begin().await.unwrap();
        if marked {
            let mark = "INSERT INTO audit_erasing (one_row) VALUES (1)";
            sqlx::query(mark).execute(&mut *transaction).await.unwrap();
        }
        let sql = sqlx::AssertSqlSafe(format!("UPDATE audit_events SET {change}"));
        sqlx::query(sql).execute(&mut *transaction).await
    };
    update(true, ERASING.to_owned()).await.unwrap();
    for (marked, change) in [
        (false, ERASING.to_owned()),
        (true, "metadata = '{}'".to_owned()),
        (true, format!("{ERASING}, hash = x'00'")),
        (true, format!("{ERASING}, payload_hash = x'00'")),
        (true, format!("{ERASING}, outcome = 'failure'")),
        (true, format!("{ERASING}, sequence = sequence + 10")),
    ] {
        let refused = update(marked, change.clone()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{change}");
    }
    file.storage.close().await;
}

#[tokio::test]
async fn what_is_erased_is_gone_from_the_file() {
    let file = OneFile::fresh(clock()).await;
    let organization = file.organization().await;
    let bench = Bench {
        backend: file,
        clock: clock(),
    };
    let agent = bench.agent(organization, AgentRole::Member).await;
    let mut event = NewEvent::of_server(organization, None, AuditAction::TokenIssued);
    event.agent_id = Some(agent.agent_id);
    event.ip_address = "198.51.100.77".to_owned();
    let storage = &bench.backend.storage;
    storage.audit().append(event).await.unwrap();
    let end = DecommissionAgent {
        reach: Reach::Everywhere,
        agent: agent.agent_id,
        actor: None,
        at: clock().now(),
        events: AgentEvents::new(|_| Vec::new()),
    };
    storage.agents().decommission(end).await.unwrap();
    let holds = |text: &str| {
        let bytes = std::fs::read(bench.backend.path()).unwrap();
        let text = text.as_bytes();
        bytes.windows(text.len()).any(|window| window == text)
    };
    let personal = ["198.51.100.77", &agent.email, &agent.email.to_lowercase()];
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}", bench.backend.path().display()))
            .await
            .unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    sqlx::query(checkpoint)
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(personal.iter().all(|text| holds(text)));
    let done = care::erase(storage, &*bench.clock, agent.agent_id).await;
    assert_eq!(done.unwrap().events, 1);
    sqlx::query(checkpoint)
        .execute(&mut connection)
        .await
        .unwrap();
    for text in personal {
        assert!(!holds(text), "{text}");
    }
}

//! The suite on SQLite, and what only SQLite can show; in `erasing` what is left of erased data, in `lookups` agents that
//! many ask for at once.

mod erasing;
mod lookups;

use std::{path::PathBuf, sync::Arc};

use sqlx::{Connection as _, SqliteConnection};
use uuid::Uuid;

use super::*;
use crate::{
    audit::{AuditAction, ChainPoint, Slice, Span, SystemRandomness, verify_chain, verify_slice},
    clock::{Clock as _, ManualClock},
    storage::{
        OpenError, OrganizationRecord, OrganizationStatus, Tier,
        suite::{Backend, run_suite},
    },
};

/// A file in a directory of its own.
struct OneFile {
    directory: tempfile::TempDir,
    storage: SqliteStorage,
    clock: Arc<ManualClock>,
}

impl OneFile {
    fn path(&self) -> PathBuf {
        self.directory.path().join("agentidp.db")
    }

    async fn organization(&self) -> Uuid {
        let id = Uuid::now_v7();
        let record = OrganizationRecord {
            organization_id: id,
            name: "An organization".to_owned(),
            slug: id.to_string(),
            status: OrganizationStatus::Active,
            tier: Tier::Free,
            is_system: false,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        self.storage
            .organizations()
            .insert(record, Vec::new())
            .await
            .unwrap();
        id
    }

    /// An organization with three events, and a connection that is nobody's.
    async fn with_events(clock: Arc<ManualClock>) -> (Self, Uuid, SqliteConnection) {
        let file = Self::fresh(clock).await;
        let organization = file.organization().await;
        for _ in 0..3 {
            file.storage
                .audit()
                .append(NewEvent::of_server(
                    organization,
                    None,
                    AuditAction::TokenIssued,
                ))
                .await
                .unwrap();
        }
        let connection = SqliteConnection::connect(&format!("sqlite://{}", file.path().display()))
            .await
            .unwrap();
        (file, organization, connection)
    }
}

fn options(path: PathBuf, clock: Arc<ManualClock>) -> Options {
    Options {
        path,
        auto_migrate: true,
        clock,
        randomness: Arc::new(SystemRandomness),
    }
}

impl Backend for OneFile {
    async fn fresh(clock: Arc<ManualClock>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(options(
            directory.path().join("agentidp.db"),
            Arc::clone(&clock),
        ))
        .await
        .unwrap();
        Self {
            directory,
            storage,
            clock,
        }
    }

    fn storage(&self) -> &dyn Storage {
        &self.storage
    }

    async fn again(&self) -> Arc<dyn Storage> {
        Arc::new(
            SqliteStorage::open(options(self.path(), Arc::clone(&self.clock)))
                .await
                .unwrap(),
        )
    }
}

run_suite!(OneFile);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(crate::clock::Timestamp::from_ms(
        1_774_688_400_000,
    )))
}

#[tokio::test]
async fn the_database_refuses_to_change_or_delete_an_event() {
    let (file, _, mut connection) = OneFile::with_events(clock()).await;
    for statement in [
        "UPDATE audit_events SET metadata = '{}'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_chains",
        "UPDATE audit_chains SET sequence = 1",
    ] {
        let refused = sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("append-only") || refused.contains("only grow"),
            "{refused}"
        );
    }
    file.storage.close().await;
}

/// Changes an event, past the triggers.
pub(crate) async fn forge_an_event(database: &std::path::Path, organization: Uuid) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("DROP TRIGGER audit_events_refuse_update")
        .execute(&mut connection)
        .await
        .unwrap();
    let forged = sqlx::query(
        "UPDATE audit_events SET metadata = '{\"forged\":1}' WHERE organization_id = ? AND sequence = 1",
    )
    .bind(organization.as_bytes().to_vec())
    .execute(&mut connection)
    .await
    .unwrap();
    assert_eq!(forged.rows_affected(), 1);
    connection.close().await.unwrap();
}

/// Keeps an answer until then, for a key that nobody has.
pub(crate) async fn keep_an_answer(database: &std::path::Path, until: crate::clock::Timestamp) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO idempotency (key, fingerprint, answer, expires_at) VALUES (?1, ?1, x'00', ?2)",
    )
    .bind(Uuid::now_v7().as_bytes().to_vec())
    .bind(until.ms())
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
}

/// How many answers are kept.
pub(crate) async fn kept_answers(database: &std::path::Path) -> i64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM idempotency")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// Lets nobody else write until it is dropped.
pub(crate) async fn hold_the_writer(database: &std::path::Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

#[tokio::test]
async fn whoever_gets_past_the_triggers_is_found_by_the_chain() {
    for (tampering, broken_at) in [
        (
            "UPDATE audit_events SET metadata = '{\"scope\":\"none\"}' WHERE sequence = 2",
            2,
        ),
        (
            "UPDATE audit_events SET agent_id = event_id WHERE sequence = 2",
            2,
        ),
        (
            "UPDATE audit_events SET timestamp = timestamp - 1 WHERE sequence = 2",
            2,
        ),
        ("UPDATE audit_events SET salt = x'00' WHERE sequence = 1", 1),
        (
            "UPDATE audit_events SET salt = x'', user_agent = 'forged' WHERE sequence = 2",
            2,
        ),
        (
            "UPDATE audit_events SET hash = payload_hash WHERE sequence = 3",
            3,
        ),
        ("DELETE FROM audit_events WHERE sequence = 1", 2),
        ("DELETE FROM audit_events WHERE sequence = 2", 3),
        ("DELETE FROM audit_events WHERE sequence = 3", 2),
    ] {
        let (file, organization, mut connection) = OneFile::with_events(clock()).await;
        let events = file
            .storage
            .audit()
            .chain(organization, 1, 3)
            .await
            .unwrap();
        for trigger in ["audit_events_refuse_update", "audit_events_refuse_delete"] {
            sqlx::query(sqlx::AssertSqlSafe(format!("DROP TRIGGER {trigger}")))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        sqlx::query(tampering)
            .execute(&mut connection)
            .await
            .unwrap();
        let found = verify_chain(file.storage.audit(), organization, Span::default())
            .await
            .unwrap();
        assert!(!found.verified, "{tampering}");
        assert_eq!(
            found.broken_at,
            Some(events[broken_at - 1].event_id),
            "{tampering}"
        );
        let slice = verify_slice(file.storage.audit(), organization, ChainPoint::default());
        assert!(
            matches!(slice.await.unwrap(), Slice::BrokenAt(_)),
            "{tampering}"
        );
    }
}

#[tokio::test]
async fn the_settings_are_those_that_keep_what_was_acknowledged() {
    let file = OneFile::fresh(clock()).await;
    let pragma = async |name: &'static str| -> String {
        let sql = sqlx::AssertSqlSafe(format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"));
        sqlx::query_scalar(sql)
            .fetch_one(&file.storage.readers)
            .await
            .unwrap()
    };
    assert_eq!(pragma("journal_mode").await, "wal");
    assert_eq!(pragma("synchronous").await, "2");
    assert_eq!(pragma("foreign_keys").await, "1");
    assert_eq!(pragma("query_only").await, "1");
}

#[tokio::test]
async fn an_old_or_foreign_schema_is_refused() {
    let file = OneFile::fresh(clock()).await;
    file.storage.close().await;
    let strict = || Options {
        auto_migrate: false,
        ..options(file.path(), clock())
    };
    SqliteStorage::open(strict()).await.unwrap().close().await;

    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.path().display()))
        .await
        .unwrap();
    sqlx::query("DELETE FROM _sqlx_migrations")
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(matches!(
        SqliteStorage::open(strict()).await,
        Err(OpenError::Outdated { .. })
    ));
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'init', 1, x'00', 0)")
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(matches!(
        SqliteStorage::open(options(file.path(), clock())).await,
        Err(OpenError::Unknown { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_on_a_new_or_old_file_all_find_the_schema() {
    for round in 0..4 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agentidp.db");
        if round % 2 == 1 {
            SqliteStorage::migrate(&path).await.unwrap();
            let url = format!("sqlite://{}", path.display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            for statement in [
                "ALTER TABLE idempotency DROP COLUMN claimant",
                "DELETE FROM _sqlx_migrations WHERE version = 8",
            ] {
                sqlx::query(statement)
                    .execute(&mut connection)
                    .await
                    .unwrap();
            }
            connection.close().await.unwrap();
        }
        let starts = (0..12).map(|_| {
            let path = path.clone();
            tokio::spawn(async move { SqliteStorage::migrate(&path).await })
        });
        for start in futures_util::future::join_all(starts).await {
            assert!(matches!(start, Ok(Ok(()))), "{start:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agentidp.db");
    std::fs::write(
        &path,
        "this is no database, and it is long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let error = SqliteStorage::open(options(path, clock()))
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().starts_with("cannot open the database "),
        "{error}"
    );
}

#[tokio::test]
async fn a_check_fails_once_the_store_is_closed() {
    let file = OneFile::fresh(clock()).await;
    file.storage.check().await.unwrap();
    file.storage.close().await;
    assert!(file.storage.check().await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn a_locked_database_is_unavailable_in_bounded_time_and_recovers() {
    let (file, organization, mut connection) = OneFile::with_events(clock()).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
        .unwrap();
    let event = || NewEvent::of_server(organization, None, AuditAction::TokenIssued);
    let refused = file.storage.audit().append(event()).await;
    assert!(refused.unwrap_err().is_unavailable());
    assert_eq!(
        file.storage
            .audit()
            .chain(organization, 1, 10)
            .await
            .unwrap()
            .len(),
        3,
        "reading goes on"
    );
    sqlx::query("ROLLBACK")
        .execute(&mut connection)
        .await
        .unwrap();
    file.storage.audit().append(event()).await.unwrap();
    let found = verify_chain(file.storage.audit(), organization, Span::default())
        .await
        .unwrap();
    assert_eq!((found.verified, found.checked_count), (true, 4));
}

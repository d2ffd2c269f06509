//! The suite on PostgreSQL, and what only PostgreSQL can show: the wall between tenants, roles, many instances, outages.

use std::sync::{Arc, OnceLock};

use agentidp_services::{Database, Postgres};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::*;
use crate::{
    audit::{AuditAction, Span, SystemRandomness, verify_chain},
    clock::{Clock as _, ManualClock, Timestamp},
    config::Pool,
    storage::{
        OpenError, OrganizationRecord, OrganizationStatus,
        suite::{Backend, Bench, run_suite},
    },
    wire::Secret,
};

/// One server for all tests of this process, and a database with the schema that each test copies.
fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(|| Postgres::start().unwrap_or_else(|error| panic!("{error}")))
}

async fn migrated() -> Database {
    static TEMPLATE: OnceCell<Database> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(async || {
        let database = postgres().database().unwrap();
        let options = options(&database, clock());
        PostgresStorage::migrate(&options).await.unwrap();
        database
    });
    postgres().copy_of(template.await).unwrap()
}

fn options(database: &Database, clock: Arc<ManualClock>) -> Options {
    Options {
        url: Secret::new(database.server_url.clone()),
        migration_url: Some(Secret::new(database.owner_url.clone())),
        auto_migrate: true,
        pool: Pool {
            max: 4,
            min: 0,
            idle_timeout: std::time::Duration::from_secs(30),
            connection_timeout: std::time::Duration::from_secs(5),
        },
        clock,
        randomness: Arc::new(SystemRandomness),
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_ms(1_774_688_400_000)))
}

/// A database of its own.
struct OneDatabase {
    database: Database,
    storage: PostgresStorage,
    clock: Arc<ManualClock>,
}

impl OneDatabase {
    async fn open_again(&self) -> PostgresStorage {
        PostgresStorage::open(options(&self.database, Arc::clone(&self.clock)))
            .await
            .unwrap()
    }

    async fn organization(&self) -> Uuid {
        let id = Uuid::now_v7();
        let record = OrganizationRecord {
            organization_id: id,
            name: "An organization".to_owned(),
            slug: id.to_string(),
            status: OrganizationStatus::Active,
            tier: "free".to_owned(),
            is_system: false,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        let organizations = self.storage.organizations();
        organizations.insert(record, Vec::new()).await.unwrap();
        id
    }

    async fn event(&self, storage: &PostgresStorage, organization: Uuid) -> StorageResult<()> {
        let event = NewEvent::of_server(organization, None, AuditAction::TokenIssued);
        storage.audit().append(event).await
    }

    async fn as_server(&self) -> PgConnection {
        PgConnection::connect(&self.database.server_url)
            .await
            .unwrap()
    }

    async fn as_owner(&self) -> PgConnection {
        PgConnection::connect(&self.database.owner_url)
            .await
            .unwrap()
    }
}

impl Backend for OneDatabase {
    async fn fresh(clock: Arc<ManualClock>) -> Self {
        let database = migrated().await;
        let storage = PostgresStorage::open(options(&database, Arc::clone(&clock)))
            .await
            .unwrap();
        Self {
            database,
            storage,
            clock,
        }
    }

    fn storage(&self) -> &dyn Storage {
        &self.storage
    }

    async fn again(&self) -> Arc<dyn Storage> {
        Arc::new(self.open_again().await)
    }
}

run_suite!(OneDatabase);

/// Tables that hold what belongs to a tenant, with a column that counts rows.
const WALLED: [&str; 6] = [
    "organizations",
    "agents",
    "credentials",
    "idempotency",
    "audit_events",
    "audit_chains",
];

async fn rows(connection: &mut PgConnection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .unwrap()
}

/// Fills two tenants with a row in each table; returns their ids.
async fn two_tenants(bench: &Bench<OneDatabase>) -> [Uuid; 2] {
    use crate::storage::Slot;
    let mut ids = [Uuid::nil(); 2];
    for (nth, id) in ids.iter_mut().enumerate() {
        *id = bench.organization().await;
        let agent = bench
            .agent(*id, crate::generated::types::AgentRole::Admin)
            .await;
        bench.credential(agent.agent_id).await;
        let slot = Slot {
            organization: *id,
            key: [u8::try_from(nth).unwrap(); 32],
        };
        let store = bench.backend.storage.idempotency();
        let now = bench.clock.now();
        store
            .claim(
                slot,
                [0; 32],
                now,
                now.plus(std::time::Duration::from_secs(9)),
            )
            .await
            .unwrap();
        bench
            .backend
            .event(&bench.backend.storage, *id)
            .await
            .unwrap();
    }
    ids
}

#[tokio::test]
async fn a_statement_that_forgets_the_tenant_sees_only_its_own() {
    let bench = Bench::<OneDatabase>::new().await;
    let [own, other] = two_tenants(&bench).await;
    let mut connection = bench.backend.as_server().await;
    for table in WALLED {
        assert_eq!(rows(&mut connection, table).await, 0, "{table}: unset");
    }
    let mut transaction = connection.begin().await.unwrap();
    transaction
        .execute(sqlx::AssertSqlSafe(wall::statement(Reach::Organization(
            own,
        ))))
        .await
        .unwrap();
    for table in WALLED {
        assert_eq!(rows(&mut transaction, table).await, 1, "{table}");
    }
    let seen: Uuid = sqlx::query_scalar("SELECT organization_id FROM agents")
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    assert_eq!(seen, own);
    let changed = transaction
        .execute("UPDATE agents SET owner = 'mine'")
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1, "the other tenant's stays");
    let intruder = sqlx::query("UPDATE agents SET organization_id = $1")
        .bind(other)
        .execute(&mut *transaction)
        .await
        .unwrap_err()
        .to_string();
    assert!(intruder.contains("row-level security"), "{intruder}");
    drop(transaction);
    for table in WALLED {
        assert_eq!(
            rows(&mut connection, table).await,
            0,
            "{table}: the setting ends with the transaction"
        );
    }
}

#[tokio::test]
async fn the_wall_binds_the_owner_too_and_stands_around_every_tenant_table() {
    let bench = Bench::<OneDatabase>::new().await;
    two_tenants(&bench).await;
    let mut owner = bench.backend.as_owner().await;
    for table in WALLED {
        assert_eq!(rows(&mut owner, table).await, 0, "{table}");
    }
    let unwalled: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns WHERE column_name = 'organization_id'
         AND table_schema = 'public' AND NOT (SELECT relrowsecurity AND relforcerowsecurity
             FROM pg_class WHERE oid = table_name::regclass)",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(unwalled, Vec::<String>::new());
}

#[tokio::test]
async fn the_servers_role_neither_owns_nor_bypasses() {
    let bench = Bench::<OneDatabase>::new().await;
    let mut server = bench.backend.as_server().await;
    let owned: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)",
    )
    .fetch_one(&mut server)
    .await
    .unwrap();
    assert_eq!(owned, 0);
    let unbound: bool = sqlx::query_scalar(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(&mut server)
    .await
    .unwrap();
    assert!(!unbound);
}

#[tokio::test]
async fn the_audit_log_is_append_only_for_both_roles() {
    let bench = Bench::<OneDatabase>::new().await;
    two_tenants(&bench).await;
    for (mut connection, may) in [
        (bench.backend.as_server().await, "permission denied"),
        (bench.backend.as_owner().await, "only"),
    ] {
        connection
            .execute("SET agentidp.organization = '*'")
            .await
            .unwrap();
        for statement in [
            "UPDATE audit_events SET metadata = '{}'",
            "DELETE FROM audit_events",
            "TRUNCATE audit_events",
            "DELETE FROM audit_chains",
            "TRUNCATE audit_chains",
        ] {
            let refused = connection.execute(statement).await.unwrap_err().to_string();
            assert!(refused.contains(may), "{statement}: {refused}");
        }
        let refused = connection
            .execute("UPDATE audit_chains SET sequence = 1")
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("only grow"), "{refused}");
    }
}

#[tokio::test]
async fn two_instances_that_start_at_once_migrate_once() {
    let database = postgres().database().unwrap();
    let open = || PostgresStorage::open(options(&database, clock()));
    let (one, two, three) = tokio::join!(open(), open(), open());
    for storage in [one.unwrap(), two.unwrap(), three.unwrap()] {
        storage.check().await.unwrap();
        storage.close().await;
    }
}

#[tokio::test]
async fn two_instances_write_one_chain() {
    let one = OneDatabase::fresh(clock()).await;
    let organization = one.organization().await;
    let two = one.open_again().await;
    let both = (0..200).map(|nth| {
        let storage = if nth % 2 == 0 { &one.storage } else { &two };
        one.event(storage, organization)
    });
    for outcome in futures_util::future::join_all(both).await {
        outcome.unwrap();
    }
    let found = verify_chain(two.audit(), organization, Span::default())
        .await
        .unwrap();
    assert_eq!((found.verified, found.checked_count), (true, 200));
}

#[tokio::test]
async fn an_old_or_foreign_schema_is_refused() {
    let database = postgres().database().unwrap();
    let strict = || Options {
        auto_migrate: false,
        ..options(&database, clock())
    };
    assert!(matches!(
        PostgresStorage::open(strict()).await,
        Err(OpenError::Outdated { .. })
    ));
    PostgresStorage::migrate(&strict()).await.unwrap();
    let storage = PostgresStorage::open(strict()).await.unwrap();
    storage.close().await;
    let mut owner = PgConnection::connect(&database.owner_url).await.unwrap();
    owner
        .execute("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99999, 'later', true, '', 0)")
        .await
        .unwrap();
    for auto_migrate in [true, false] {
        let options = Options {
            auto_migrate,
            ..options(&database, clock())
        };
        let refused = PostgresStorage::open(options).await.err().unwrap();
        assert!(matches!(refused, OpenError::Unknown { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_database_without_its_password() {
    let database = postgres().database().unwrap();
    let mut wrong = options(&database, clock());
    let url = database
        .server_url
        .replace("agentidp_server@", "nobody_here:hunter2@");
    wrong.url = Secret::new(url.clone());
    wrong.migration_url = None;
    let refused = PostgresStorage::open(wrong).await.err().unwrap();
    let text = format!("{refused} {refused:?}");
    assert!(text.contains("nobody_here@127.0.0.1"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn an_outage_is_unavailable_in_bounded_time_and_passes() {
    // A server of its own: others must not notice.
    let postgres = Postgres::start().unwrap();
    let database = postgres.database().unwrap();
    let clock = clock();
    let storage = PostgresStorage::open(options(&database, Arc::clone(&clock)))
        .await
        .unwrap();
    let one = OneDatabase {
        database,
        storage,
        clock,
    };
    let organization = one.organization().await;
    one.event(&one.storage, organization).await.unwrap();
    postgres.kill().unwrap();
    let agents = one.storage.agents();
    let refused = agents.get(Reach::Everywhere, Uuid::nil()).await;
    assert!(refused.unwrap_err().is_unavailable());
    let refused = one.event(&one.storage, organization).await;
    assert!(refused.unwrap_err().is_unavailable());
    assert!(one.storage.check().await.unwrap_err().is_unavailable());
    postgres.restart().unwrap();
    one.storage.check().await.unwrap();
    one.event(&one.storage, organization).await.unwrap();
    let found = verify_chain(one.storage.audit(), organization, Span::default())
        .await
        .unwrap();
    assert_eq!((found.verified, found.checked_count), (true, 2));
}

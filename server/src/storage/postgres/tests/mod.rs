//! The suite on PostgreSQL, and what only PostgreSQL can show: many instances, schemas, outages; in `wall` the wall between
//! tenants and what each role may do.

mod pool;
mod silence;
mod tables;
mod wall;

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
        OpenError, OrganizationRecord, OrganizationStatus, Tier,
        suite::{Backend, run_suite},
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
            tier: Tier::Free,
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
async fn who_only_serves_is_told_to_name_the_owner_and_needs_no_owner_afterwards() {
    let database = postgres().database().unwrap();
    let alone = || Options {
        migration_url: None,
        ..options(&database, clock())
    };
    let refused = PostgresStorage::open(alone()).await.err().unwrap();
    assert!(
        matches!(&refused, OpenError::NotTheOwner { role, .. } if role == "agentidp_server"),
        "{refused}"
    );
    PostgresStorage::migrate(&options(&database, clock()))
        .await
        .unwrap();
    let storage = PostgresStorage::open(alone()).await.unwrap();
    storage.close().await;
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

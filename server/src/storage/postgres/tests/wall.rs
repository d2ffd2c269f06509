//! The wall between tenants as the database holds it, tried by forgetting to ask; and what each role may do.

use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::OneDatabase;
use crate::{
    clock::Clock as _,
    generated::types::AgentRole,
    storage::{
        Reach, Slot, Storage as _, Usage, UsageBatch, UsageOf, postgres::wall, suite::Bench,
    },
};

/// Tables that hold what belongs to a tenant.
const WALLED: [&str; 7] = [
    "organizations",
    "agents",
    "credentials",
    "idempotency",
    "audit_events",
    "audit_chains",
    "usage_daily",
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
    let mut ids = [Uuid::nil(); 2];
    for (nth, id) in ids.iter_mut().enumerate() {
        *id = bench.organization().await;
        let agent = bench.agent(*id, AgentRole::Admin).await;
        bench.credential(agent.agent_id).await;
        let slot = Slot {
            organization: *id,
            key: [u8::try_from(nth).unwrap(); 32],
            claimant: Uuid::now_v7(),
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
        let usage = UsageOf {
            organization: *id,
            day: 1,
            usage: Usage::default(),
        };
        let batch = UsageBatch {
            writer: Uuid::now_v7(),
            number: 1,
            at: now,
            added: vec![usage],
        };
        bench.backend.storage.usage().add(batch).await.unwrap();
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
async fn erasing_passes_only_inside_its_routine_and_only_whole() {
    const ERASING: &str =
        "agent_id = NULL, ip_address = '', user_agent = '', metadata = '{}', salt = ''";
    let bench = Bench::<OneDatabase>::new().await;
    two_tenants(&bench).await;
    let mut owner = bench.backend.as_owner().await;
    let mut server = bench.backend.as_server().await;
    for connection in [&mut owner, &mut server] {
        let everywhere = "SET agentidp.organization = '*'";
        connection.execute(everywhere).await.unwrap();
    }
    let erase =
        |more: &str| sqlx::AssertSqlSafe(format!("UPDATE audit_events SET {ERASING}{more}"));
    let refused = owner.execute(erase("")).await.unwrap_err().to_string();
    assert!(refused.contains("append-only"), "{refused}");
    for connection in [&mut owner, &mut server] {
        let marker = "SET agentidp.erasing = 'on'";
        connection.execute(marker).await.unwrap();
    }
    let refused = server.execute(erase("")).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    for more in [
        ", hash = ''",
        ", payload_hash = ''",
        ", outcome = 'failure'",
        ", sequence = sequence + 10",
    ] {
        let refused = owner.execute(erase(more)).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{more}: {refused}");
    }
    // The routine itself refuses an agent that lives.
    let living: uuid::Uuid = sqlx::query_scalar("SELECT agent_id FROM agents LIMIT 1")
        .fetch_one(&mut server)
        .await
        .unwrap();
    let refused = sqlx::query("SELECT agentidp_erase_events($1, $1, 1, 1)")
        .bind(living)
        .execute(&mut server)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("decommissioned"), "{refused}");
}

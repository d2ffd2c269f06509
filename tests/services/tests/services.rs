//! The services start, survive being killed, and are gone with whoever started them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpStream;

use agentidp_services::{Postgres, Redis};

#[test]
fn postgres_serves_both_roles_and_survives_a_kill() {
    let postgres = Postgres::start().unwrap();
    let first = postgres.database().unwrap();
    postgres
        .sql(&first.name, "CREATE TABLE kept AS SELECT 7 AS value")
        .unwrap();
    let copy = postgres.copy_of(&first).unwrap();
    assert_ne!(first.name, copy.name);
    assert!(first.owner_url.contains("agentidp_owner@"), "{first:?}");
    assert!(first.server_url.contains("agentidp_server@"), "{first:?}");
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'agentidp%' \
                 AND NOT rolsuper AND NOT rolbypassrls";
    assert_eq!(postgres.sql("postgres", roles).unwrap(), "2");
    postgres.kill().unwrap();
    assert!(postgres.sql(&copy.name, "SELECT 1").is_err());
    postgres.restart().unwrap();
    assert_eq!(
        postgres.sql(&copy.name, "SELECT value FROM kept").unwrap(),
        "7"
    );
}

#[test]
fn redis_can_be_killed_and_is_gone_when_dropped() {
    let redis = Redis::start().unwrap();
    let port = redis.port();
    redis.kill().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    redis.restart().unwrap();
    drop(redis);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

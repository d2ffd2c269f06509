//! `agentidp copy` is killed in the middle and after its commit. Before that it leaves nothing, and a repetition copies all;
//! after it all is there, and a repetition says so.

use std::{
    path::Path,
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

use agentidp_services::{Database, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{
    process::{Server, Shared, command},
    runtime,
    server::{Admin, client, open},
    verified,
};

const KEY: &str = "ENCRYPTION_KEY";
/// How long the command may take to get where it is killed.
const PATIENCE: Duration = Duration::from_secs(60);

fn copy(directory: &Path, to: &Database, shared: &Shared) -> std::process::Command {
    let words = [
        "copy",
        "--to",
        &to.server_url,
        "--migrate-as",
        &to.owner_url,
    ];
    let mut command = command(directory, &words, shared);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn on(to: &Database, shared: &Shared) -> [(&'static str, String); 3] {
    [
        ("DATABASE_URL", to.server_url.clone()),
        ("DATABASE_MIGRATION_URL", to.owner_url.clone()),
        shared[0].clone(),
    ]
}

/// A database with the schema and nothing else.
fn empty(postgres: &Postgres, directory: &Path, shared: &Shared) -> Database {
    let database = postgres.database().unwrap();
    let migrated = command(directory, &["migrate"], &on(&database, shared)).status();
    assert!(migrated.unwrap().success());
    database
}

/// A session of the owner that has that lock, or waits for it.
async fn locking(database: &Database, table: &str, mode: &str) -> PgConnection {
    let mut session = PgConnection::connect(&database.owner_url).await.unwrap();
    let lock = format!("BEGIN; LOCK TABLE {table} IN {mode} MODE");
    sqlx::raw_sql(AssertSqlSafe(lock))
        .execute(&mut session)
        .await
        .unwrap();
    session
}

/// Returns when somebody waits for a lock on that table.
async fn awaited(database: &Database, table: &str, mode: &str) {
    let mut session = PgConnection::connect(&database.owner_url).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = $1::regclass AND mode = $2)";
    loop {
        let question = sqlx::query_scalar(sql).bind(table).bind(mode);
        if question.fetch_one(&mut session).await.unwrap() {
            return;
        }
        assert!(Instant::now() < deadline, "nobody comes to {table}");
    }
}

fn kill(mut copying: Child) {
    copying.kill().unwrap();
    assert_eq!(copying.wait().unwrap().code(), None, "it was killed");
}

/// Holds the command where it has added almost all, and kills it there.
async fn kill_in_the_middle(directory: &Path, to: &Database, shared: &Shared) {
    let session = locking(to, "audit_chains", "SHARE").await;
    let copying = copy(directory, to, shared).spawn().unwrap();
    awaited(to, "audit_chains", "RowExclusiveLock").await;
    kill(copying);
    session.close().await.unwrap();
}

/// Lets it commit, and keeps it from reading what it committed: there it is killed.
async fn kill_behind_the_commit(directory: &Path, to: &Database, shared: &Shared) {
    let last = locking(to, "usage_daily", "SHARE").await;
    let copying = copy(directory, to, shared).spawn().unwrap();
    awaited(to, "usage_daily", "RowExclusiveLock").await;
    let database = to.clone();
    let committed =
        tokio::spawn(async move { locking(&database, "audit_chains", "ACCESS EXCLUSIVE").await });
    awaited(to, "audit_chains", "AccessExclusiveLock").await;
    last.close().await.unwrap();
    let session = tokio::time::timeout(PATIENCE, committed).await;
    kill(copying);
    session.expect("it commits").unwrap().close().await.unwrap();
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn a_killed_copy_left_nothing_or_everything() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let shared = [(KEY, "5e".repeat(32))];
    let server = Server::start(directory, &shared);
    let admin = Admin::read(directory);
    let token = runtime().block_on(admin.token(&client(), &server.base_url));
    assert!(token.is_some());
    server.terminate();
    let postgres = Postgres::start().unwrap();
    let [middle, behind] = [(); 2].map(|()| empty(&postgres, directory, &shared));

    runtime().block_on(kill_in_the_middle(directory, &middle, &shared));
    let again = copy(directory, &middle, &shared).output().unwrap();
    assert!(again.status.success(), "{}", said(&again));

    runtime().block_on(kill_behind_the_commit(directory, &behind, &shared));
    let again = copy(directory, &behind, &shared).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    let refusal = said(&again);
    assert!(refusal.contains("the target is not empty"), "{refusal}");

    for to in [middle, behind] {
        let variables = on(&to, &shared);
        let server = Server::start(directory, &variables);
        runtime().block_on(async {
            let http = client();
            let token = admin.token(&http, &server.base_url).await.unwrap();
            let own = format!("{}/api/v1/agents/{}", server.base_url, admin.client_id);
            let answer = http.get(own).bearer_auth(&token).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let storage = open(directory, &variables).await;
            assert!(verified(&*storage, admin.organization).await > 1);
            storage.close().await;
        });
        server.terminate();
    }
    // The source goes on as before, too.
    let server = Server::start(directory, &shared);
    let token = runtime().block_on(admin.token(&client(), &server.base_url));
    assert!(token.is_some());
    server.terminate();
}

//! A database that the first schema's server wrote and left: this server takes it over, and nothing that was acknowledged
//! then is lost now.
//!
//! `fixtures/first-schema` holds dumps of two such databases, with rows of every table, and what their clients had got.

use std::{path::Path, sync::Arc, time::Duration};

use agentidp_server::{
    clock::{ManualClock, Timestamp},
    config::{Config, Source},
    serve::Server,
};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    database,
    harness::{Harness, Identity},
};

/// What clients of the first server had got.
pub struct Facts(Value);

impl Facts {
    fn read(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).unwrap().as_str().unwrap()
    }

    fn identity(&self, who: &str, id: &str, secret: &str) -> Identity {
        Identity {
            client_id: self.text(&format!("/{who}/{id}")).to_owned(),
            client_secret: self.text(&format!("/{who}/{secret}")).to_owned(),
            organization_id: self.text("/admin/organizationId").to_owned(),
        }
    }

    fn agent(&self, who: &str) -> Identity {
        self.identity(who, "agentId", "clientSecret")
    }

    /// A moment after the first server stopped.
    fn clock(&self) -> Arc<ManualClock> {
        let stopped = Timestamp::from_ms(self.0["at"].as_i64().unwrap());
        Arc::new(ManualClock::at(stopped.plus(Duration::from_secs(5))))
    }
}

async fn start(facts: &Facts, database: &[(&str, &str)]) -> Harness {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(&folder, database), facts.clock())
        .await
        .unwrap();
    assert!(!folder.path().join("bootstrap.json").exists());
    Harness {
        server,
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        admin: facts.identity("admin", "clientId", "clientSecret"),
        folder,
    }
}

fn config(folder: &TempDir, database: &[(&str, &str)]) -> Config {
    // Another test of this process may have been first; then there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let data = folder.path().display().to_string();
    let mut source = Source::of(&[
        ("PORT", "0"),
        ("AGENTIDP_DATA_DIR", &data),
        ("ISSUER", "https://idp.example.com"),
        ("JWT_SIGNING_ALG", "ES256"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("ENCRYPTION_KEY", database::ENCRYPTION_KEY),
    ]);
    for (name, value) in database {
        source.set(name, *value);
    }
    Config::load(&source).unwrap()
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first.db");
    let facts = write_first(&file).await;
    let url = format!("sqlite://{}", file.display());
    judge(&facts, &[("DATABASE_URL", &url)]).await;
}

/// Makes the SQLite database that the first schema's server left.
pub async fn write_first(file: &Path) -> Facts {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(include_str!("../fixtures/first-schema/sqlite.sql"))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    Facts::read(include_str!("../fixtures/first-schema/sqlite.json"))
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_taken_over_on_postgresql() {
    let facts = Facts::read(include_str!("../fixtures/first-schema/postgres.json"));
    let database = database::postgres().database().unwrap();
    database::postgres()
        .sql(
            &database.name,
            include_str!("../fixtures/first-schema/postgres.sql"),
        )
        .unwrap();
    let variables = database::variables(&database);
    let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    judge(&facts, &variables).await;
}

async fn judge(facts: &Facts, database: &[(&str, &str)]) {
    let strict = [database, &[("AUTO_MIGRATE", "false")]].concat();
    let folder = tempfile::tempdir().unwrap();
    let refused = Server::start(config(&folder, &strict), facts.clock()).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("has an older schema"), "{refused}");
    let running = start(facts, database).await;
    the_kept_answer_is_given_again(&running, facts).await;
    running.stop().await;
    go_on(facts, database).await;
}

/// A server on the database takes over what the first one had acknowledged, kept answers excepted.
pub async fn go_on(facts: &Facts, database: &[(&str, &str)]) {
    let running = start(facts, database).await;
    let admin = facts.text("/admin/token");
    tokens_are_judged_as_before(&running, facts).await;
    secrets_are_judged_as_before(&running, facts).await;
    what_is_stored_reads_as_before(&running, facts, admin).await;
    // And it goes on from there.
    let new = running.register("new@example.com", admin).await;
    let new = running.identity(&new.text("agentId"), admin).await;
    running.token(&new, "agents:read").await;
    let verified = running.get("/api/v1/audit/verify", admin).await;
    assert_eq!(verified.member("verified"), true, "{verified:?}");
    let checked = verified.member("checkedCount").as_i64().unwrap();
    assert!(checked > EVENTS, "{checked}");
    running.stop().await;
}

/// How many events each fixture holds.
const EVENTS: i64 = 28;

async fn tokens_are_judged_as_before(running: &Harness, facts: &Facts) {
    for (token, status) in [
        ("/admin/token", 200),
        ("/living/token", 200),
        ("/rotating/token", 200),
        ("/revokedToken", 401),
        ("/suspended/token", 401),
        ("/ended/token", 401),
        ("/revokedCredential/token", 401),
    ] {
        let answer = running.get("/api/v1/agents", facts.text(token)).await;
        assert_eq!(answer.status, status, "{token}: {answer:?}");
    }
}

async fn secrets_are_judged_as_before(running: &Harness, facts: &Facts) {
    for (identity, status) in [
        (running.admin.clone(), 200),
        (facts.agent("living"), 200),
        (facts.agent("rotating"), 200),
        // Its grace period is not over.
        (facts.identity("rotating", "agentId", "oldSecret"), 200),
        (facts.agent("suspended"), 403),
        (facts.agent("ended"), 403),
        (facts.agent("revokedCredential"), 401),
    ] {
        let answer = running.form("/api/v1/token", &identity.form()).await;
        assert_eq!(answer.status, status, "{}: {answer:?}", identity.client_id);
    }
}

async fn what_is_stored_reads_as_before(running: &Harness, facts: &Facts, admin: &str) {
    let agents = running.get("/api/v1/agents", admin).await;
    assert_eq!(agents.member("total"), 7, "{agents:?}");
    let path = format!("/api/v1/agents/{}", facts.text("/living/agentId"));
    let living = running.get(&path, admin).await;
    assert_eq!(living.text("email"), "living@example.com");
    assert_eq!(living.member("capabilities")[1], "data:write");
    let credentials = running.get(&format!("{path}/credentials"), admin).await;
    let data = &credentials.member("data")[0];
    assert_eq!(data["credentialId"], facts.text("/living/credentialId"));
    let log = running.get("/api/v1/audit?limit=100", admin).await;
    let first = log.member("data").as_array().unwrap().last().unwrap();
    assert_eq!(
        (&first["sequence"], &first["action"]),
        (&1.into(), &"org.created".into())
    );
}

async fn the_kept_answer_is_given_again(running: &Harness, facts: &Facts) {
    let admin = facts.text("/admin/token");
    let again = running
        .send(
            running
                .request("POST", "/api/v1/agents")
                .bearer_auth(admin)
                .header("idempotency-key", facts.text("/idempotent/key"))
                .header("content-type", "application/json")
                .body(facts.text("/idempotent/body").to_owned()),
        )
        .await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.text("agentId"), facts.text("/idempotent/agentId"));
}

//! PostgreSQL under the server's own tests: one server for all of them, a database for each.
//!
//! `AGENTIDP_TEST_STORAGE=postgres` runs the whole suite on it; some tests always do.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use agentidp_server::{
    clock::SystemClock,
    config::{Config, Source},
    storage,
};
use agentidp_services::{Database, Postgres};
use tokio::sync::OnceCell;

/// Variables that make a server use a database.
pub type Variables = [(&'static str, String); 3];

/// The key that every instance of these tests shares.
pub const ENCRYPTION_KEY: &str = "4f7d0a51c2b9e8634f7d0a51c2b9e8634f7d0a51c2b9e8634f7d0a51c2b9e863";

/// A database of its own, with the schema.
pub async fn fresh() -> Variables {
    static TEMPLATE: OnceCell<Database> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(async || {
        let database = postgres().database().unwrap();
        let mut source = Source::default();
        for (name, value) in variables(&database) {
            source.set(name, value);
        }
        let config = Config::load(&source).unwrap();
        storage::migrate(&config, Arc::new(SystemClock))
            .await
            .unwrap();
        database
    });
    variables(&postgres().copy_of(template.await).unwrap())
}

/// What the whole suite is to run on for a server with this data directory: nothing for SQLite. A directory that was used
/// before has its database already.
pub async fn chosen(folder: &Path) -> Vec<(&'static str, String)> {
    match std::env::var("AGENTIDP_TEST_STORAGE").as_deref() {
        Err(_) | Ok("sqlite") => Vec::new(),
        Ok("postgres") => {
            let note = folder.join("database-of-this-test.json");
            if let Ok(text) = std::fs::read(&note) {
                let urls: [String; 3] = serde_json::from_slice(&text).unwrap();
                return NAMES.into_iter().zip(urls).collect();
            }
            let made = fresh().await;
            let values: Vec<&String> = made.iter().map(|(_, value)| value).collect();
            std::fs::write(&note, serde_json::to_vec(&values).unwrap()).unwrap();
            made.to_vec()
        }
        Ok(other) => panic!("AGENTIDP_TEST_STORAGE={other}: sqlite or postgres"),
    }
}

const NAMES: [&str; 3] = ["DATABASE_URL", "DATABASE_MIGRATION_URL", "ENCRYPTION_KEY"];

pub fn variables(database: &Database) -> Variables {
    [
        (NAMES[0], database.server_url.clone()),
        (NAMES[1], database.owner_url.clone()),
        (NAMES[2], ENCRYPTION_KEY.to_owned()),
    ]
}

pub fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(|| Postgres::start().unwrap_or_else(|error| panic!("{error}")))
}

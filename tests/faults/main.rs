//! Faults: processes killed with SIGKILL under load, on purpose, over and over on the same data.
//!
//! What must hold after each kill: the store opens, every chain verifies, and everything that was acknowledged - seen by
//! somebody outside the killed process - is there. `storage` kills a process that changes everything the store knows;
//! `server` kills the real server under token requests, `answers` between a change and its answer, `copying` and `erasing` the commands that work on a whole store. `usage` stops it as an operator does, and counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod copying;
mod erasing;
mod ledger;
mod process;
mod server;
mod storage;
mod usage;
mod victim;

use std::{path::Path, sync::Arc};

use agentidp_server::{
    audit::{Span, SystemRandomness, verify_chain},
    clock::SystemClock,
    storage::{
        Storage,
        sqlite::{Options, SqliteStorage},
    },
};
use uuid::Uuid;

/// The name of the database in a data directory.
const DATABASE: &str = "agentidp.db";

async fn open(directory: &Path) -> SqliteStorage {
    let options = Options {
        path: directory.join(DATABASE),
        auto_migrate: true,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    SqliteStorage::open(options).await.unwrap()
}

/// The chain holds from its first event to its kept end; answers how many events it has.
async fn verified(storage: &dyn Storage, organization: Uuid) -> u64 {
    let found = verify_chain(storage.audit(), organization, Span::default())
        .await
        .unwrap();
    assert!(
        found.verified,
        "the chain of {organization} breaks at {:?}",
        found.broken_at
    );
    found.checked_count
}

/// A runtime for one test.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

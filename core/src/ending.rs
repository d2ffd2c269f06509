//! A runtime that ends while tasks of it still run.
//!
//! Owns: telling that from the outside: what a task cannot do because its runtime ends says nothing of the
//! server that it asks, nor to those on other runtimes who wait for it.
//! Refuses: any cost while nothing fails.

use tokio::task::{JoinError, spawn_blocking};

/// Whether the runtime of the asking task is being shut down: it takes no work any more.
pub(crate) async fn runtime_is_ending() -> bool {
    let refused = |done: Result<(), JoinError>| done.is_err_and(|e| e.is_cancelled());
    // Names are looked up on the first kind of thread, connections are driven on the second; they end one after
    // the other.
    refused(spawn_blocking(|| ()).await) || refused(tokio::spawn(std::future::ready(())).await)
}

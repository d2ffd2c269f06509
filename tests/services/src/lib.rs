//! Real PostgreSQL and Redis servers for tests: on free ports, in a temporary folder, gone when
//! the test's process is gone - however it ends.
//!
//! Owns: finding the programs, starting, killing and restarting them.
//! Refuses: a stand-in. Without the programs it fails with the line that installs them.

mod keeper;
mod postgres;
mod redis;

pub use postgres::{Database, Postgres};
pub use redis::Redis;

/// Why a service is not there: one sentence for whoever runs the tests.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not installed.
    #[error("{program} is not installed; on Debian: apt-get install --yes {package}")]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// What brings it.
        package: &'static str,
    },
    /// It did not do what was asked.
    #[error("{0}")]
    Failed(String),
    /// The system refused something.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// What comes of asking for a service.
pub type Result<T> = std::result::Result<T, ServiceError>;

//! `DB_POOL_*`.

use std::time::Duration;

use super::{ConfigError, Source, parse};

/// Limits of the readers' pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// `DB_POOL_MAX`, default 20 connections.
    pub max: u32,
    /// `DB_POOL_MIN`, default 2 connections.
    pub min: u32,
    /// `DB_POOL_IDLE_TIMEOUT_MS`, default 30 s.
    pub idle_timeout: Duration,
    /// `DB_POOL_CONNECTION_TIMEOUT_MS`, default 5 s.
    pub connection_timeout: Duration,
}

/// Reads all of it.
pub(super) fn read(source: &Source) -> Result<Pool, ConfigError> {
    let max = parse::at_least(source, "DB_POOL_MAX", 20, 1)?;
    let min = parse::at_least(source, "DB_POOL_MIN", 2.min(max), 0)?;
    if min > max {
        return Err(ConfigError::new(
            "DB_POOL_MIN",
            "is more than DB_POOL_MAX",
            "2",
        ));
    }
    Ok(Pool {
        max,
        min,
        idle_timeout: parse::milliseconds(source, "DB_POOL_IDLE_TIMEOUT_MS", 30_000, 1)?,
        connection_timeout: parse::milliseconds(source, "DB_POOL_CONNECTION_TIMEOUT_MS", 5_000, 1)?,
    })
}

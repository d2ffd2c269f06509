//! What a failing SQLite call means to the rest of the server.

use sqlx::error::DatabaseError;

use crate::storage::StorageError;

/// A broken constraint is a fault of this code or of the file; anything else is the store being out of reach.
pub(super) fn failed(error: sqlx::Error) -> StorageError {
    match &error {
        sqlx::Error::Database(inner) if is_constraint(inner.as_ref()) => {
            StorageError::Corrupt(error.to_string())
        }
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => StorageError::Corrupt(error.to_string()),
        _ => StorageError::Unavailable(error.to_string()),
    }
}

/// A stored value does not have the form this version writes.
pub(super) fn corrupt(what: &str) -> StorageError {
    StorageError::Corrupt(format!("unreadable {what}"))
}

/// Another process holds the file.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let inner = error.as_database_error();
    inner.is_some_and(|inner| is(inner, SQLITE_BUSY))
}

fn is_constraint(error: &dyn DatabaseError) -> bool {
    const SQLITE_CONSTRAINT: u32 = 19;
    is(error, SQLITE_CONSTRAINT)
}

/// That code or one of its extended ones, which keep it in their low byte.
fn is(error: &dyn DatabaseError, wanted: u32) -> bool {
    error
        .code()
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == wanted)
}

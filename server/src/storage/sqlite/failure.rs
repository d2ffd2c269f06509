//! What a failing SQLite call means to the rest of the server.

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

/// `SQLITE_CONSTRAINT` and its extended codes, which keep it in their low byte.
fn is_constraint(error: &dyn sqlx::error::DatabaseError) -> bool {
    const SQLITE_CONSTRAINT: u32 = 19;
    error
        .code()
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == SQLITE_CONSTRAINT)
}

//! What a failing PostgreSQL call means to the rest of the server.

use crate::storage::StorageError;

/// A broken constraint, a refused row and a wrong statement are faults of this code or of the data; anything else is the
/// store being out of reach.
pub(super) fn failed(error: sqlx::Error) -> StorageError {
    match &error {
        sqlx::Error::Database(inner) if inner.code().is_some_and(|code| is_fault(&code)) => {
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

/// Classes 22 (data), 23 (constraint) and 42 (statement or privilege).
fn is_fault(code: &str) -> bool {
    ["22", "23", "42"]
        .iter()
        .any(|class| code.starts_with(class))
}

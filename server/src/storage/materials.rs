//! Small named values that the server keeps for itself: key material (encrypted by its owner), settings.

use async_trait::async_trait;

use super::StorageResult;

/// Named values. A name is chosen by the module that owns the value.
#[async_trait]
pub trait MaterialStore: Send + Sync {
    /// A value.
    async fn get(&self, name: &str) -> StorageResult<Option<Vec<u8>>>;
    /// Stores a value unless there is one, and answers the one that is stored now: two instances that start at once agree.
    async fn get_or_insert(&self, name: &str, value: &[u8]) -> StorageResult<Vec<u8>>;
    /// Replaces a value.
    ///
    /// # Errors
    /// `Conflict` when the stored one is not `expected` (`None`: there must be none).
    async fn replace(&self, name: &str, expected: Option<&[u8]>, value: &[u8])
    -> StorageResult<()>;
}

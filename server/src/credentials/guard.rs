//! Whether a secret that was shown once may be shown again for a repeated request.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    error::ApiError,
    generated::codes::Code,
    idempotency::ReplayGuard,
    storage::{Reach, Storage},
};

/// Asks the store.
pub struct Guard {
    storage: Arc<dyn Storage>,
}

impl Guard {
    /// Over that store.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }
}

#[async_trait]
impl ReplayGuard for Guard {
    async fn is_active(&self, agent: Uuid, credential: Uuid) -> Result<bool, ApiError> {
        let found = self
            .storage
            .credentials()
            .get(Reach::Everywhere, agent, credential)
            .await
            .map_err(|error| ApiError::storage(error, Code::CredentialNotFound))?;
        Ok(found.is_some_and(|credential| credential.revoked_at.is_none()))
    }
}

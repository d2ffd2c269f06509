//! The outcomes of a storage call that are not success.
//!
//! Refuses: what callers of the API see of it; `ApiError::storage` says that.

use thiserror::Error;

use super::Tier;
use crate::{error::ApiError, generated::codes::Code};

/// What a storage call answers.
pub type StorageResult<T> = Result<T, StorageError>;

/// Why a storage call did not succeed. Rules that only hold inside the transaction are judged there and named here.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StorageError {
    /// The thing is unknown, or lies outside the caller's reach: the same answer.
    #[error("not found")]
    NotFound,
    /// The actor is neither the agent itself nor an active admin.
    #[error("the actor's role does not allow this")]
    RoleRequired,
    /// The e-mail address is registered in the organization already.
    #[error("the e-mail address is already registered")]
    EmailTaken,
    /// The organization has as many agents as its tier allows.
    #[error("the {} tier allows {max} agents", tier.as_str())]
    AgentLimit {
        /// The organization's.
        tier: Tier,
        /// How many it allows.
        max: u32,
    },
    /// The agent is decommissioned: nothing about it changes any more.
    #[error("the agent is decommissioned")]
    AlreadyDecommissioned,
    /// A credential was asked for an agent that is not active.
    #[error("the agent is not active")]
    AgentNotActive,
    /// The change would leave an organization that has an admin without one.
    #[error("the organization would lose its last admin")]
    LastAdmin,
    /// The agent has as many active credentials as it may have.
    #[error("the agent has as many active credentials as it may have")]
    CredentialLimit,
    /// The credential is revoked.
    #[error("the credential is revoked")]
    CredentialAlreadyRevoked,
    /// Somebody else made this change first: read again.
    #[error("somebody else changed it first")]
    Conflict,
    /// The request that makes this change lost its claim on its idempotency key: another one may make it.
    #[error("the claim on the idempotency key was lost")]
    ClaimLost,
    /// The store cannot be reached, is closed, or failed: nothing is known about the outcome of a write.
    #[error("storage unavailable: {0}")]
    Unavailable(String),
    /// What the store holds does not have the form this version writes.
    #[error("storage corrupt: {0}")]
    Corrupt(String),
}

impl StorageError {
    /// Whether the same call may succeed later without anything else being done.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<StorageError> for ApiError {
    /// For calls that cannot miss anything: a `NotFound` that no section expected is a fault.
    fn from(error: StorageError) -> Self {
        Self::storage(error, Code::InternalServerError)
    }
}

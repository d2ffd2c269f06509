//! The outcomes of a storage call that are not success.
//!
//! Refuses: texts for callers. Which code a refusal becomes is said once, below; only what `NotFound` is about is the
//! section's to say.

use thiserror::Error;

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
    /// A `NotFound` that a section did not name is a fault of the section.
    fn from(error: StorageError) -> Self {
        let code = match &error {
            StorageError::RoleRequired => Code::Forbidden,
            StorageError::EmailTaken => Code::AgentAlreadyExists,
            StorageError::AlreadyDecommissioned => Code::AgentAlreadyDecommissioned,
            StorageError::AgentNotActive => Code::AgentNotActive,
            StorageError::LastAdmin => Code::LastAdmin,
            StorageError::CredentialLimit => Code::CredentialLimitReached,
            StorageError::CredentialAlreadyRevoked => Code::CredentialAlreadyRevoked,
            StorageError::Unavailable(_) => return Self::unavailable(error),
            StorageError::NotFound | StorageError::Conflict | StorageError::Corrupt(_) => {
                return Self::internal(error);
            }
        };
        Self::new(code)
    }
}

//! What can go wrong with Vault. Nothing here holds the token or a secret.

/// Why Vault did not do what was asked. The text follows "Vault ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// No connection, or no answer in time.
    #[error("does not answer: {0}")]
    Unreachable(String),
    /// It was unreachable a moment ago; nothing was sent.
    #[error("did not answer a moment ago")]
    Resting,
    /// It is sealed, or its node serves nobody.
    #[error("serves no requests (status {0}): it is sealed, a standby or overloaded")]
    Unavailable(u16),
    /// 403.
    #[error("refuses the token: it is wrong, has expired, or its policy does not allow {0}")]
    Denied(String),
    /// The entry has another version by now.
    #[error("has another version of the entry")]
    Conflict,
    /// An answer that KV version 2 does not give.
    #[error("gave an answer that KV version 2 does not give (status {0})")]
    Unexpected(u16),
    /// Secrets are stored there, and it is not configured any more.
    #[error("holds this client's secrets, and VAULT_ADDR is not set")]
    NotConfigured,
    /// As many secrets of one credential are on their way as an entry may hold.
    #[error("holds too many unfinished rotations of one credential; retry in a minute")]
    Crowded,
    /// No HTTP client could be made.
    #[error("cannot be called: {0}")]
    Unusable(String),
}

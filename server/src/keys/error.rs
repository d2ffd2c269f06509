//! What can be wrong with a key. The texts name no key material; those of the first group are made
//! to be read by whoever set `JWT_PRIVATE_KEY`.

use super::SigningAlgorithm;
use crate::{secrets::SecretsError, storage::StorageError};

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text has no complete PEM block.
    #[error("is not a PEM block (-----BEGIN PRIVATE KEY----- …)")]
    NoPem,
    /// A PEM block of another kind.
    #[error("is not a private key")]
    NotPrivate,
    /// Needs a passphrase.
    #[error("is encrypted; give the key without a passphrase")]
    Encrypted,
    /// Another kind of key than the algorithm signs with.
    #[error("is not a key for {0}")]
    Misfit(SigningAlgorithm),
    /// An RSA key that is too short to be safe.
    #[error("has fewer than 2048 bits")]
    TooShort,
    /// `JWT_PUBLIC_KEY` does not belong to `JWT_PRIVATE_KEY`.
    #[error("is not the public half of JWT_PRIVATE_KEY")]
    OtherPublic,
    /// The configured key was revoked.
    #[error("is the revoked key {0}; configure another one")]
    Revoked(String),

    /// No key has the name that was given.
    #[error("there is no signing key {0}; `agentidp keys list` shows them")]
    Unknown(String),
    /// A stored key is damaged.
    #[error("a stored signing key is damaged")]
    Malformed,
    /// The library failed.
    #[error("a cryptographic operation failed")]
    Crypto,
    /// Other instances kept changing the keys.
    #[error("other instances keep rotating the signing keys")]
    Contended,
    /// No key signs, although one must.
    #[error("no signing key is active")]
    NoneActive,
    /// The private half cannot be decrypted.
    #[error("the stored signing key cannot be decrypted: {0}")]
    Secrets(#[from] SecretsError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KeyError {
    /// Whether the fault lies in what was configured, and not in what is stored.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::NoPem
                | Self::NotPrivate
                | Self::Encrypted
                | Self::Misfit(_)
                | Self::TooShort
                | Self::OtherPublic
                | Self::Revoked(_)
        )
    }
}

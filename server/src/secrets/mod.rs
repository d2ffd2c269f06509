//! Everything that protects a secret: where randomness comes from, the encryption keys and what is
//! derived from them, client secrets and their keyed hashes, and the encryption of columns.
//!
//! Refuses: storing anything (that is `storage`), and handing a secret to a log - the types here
//! print themselves as a placeholder.

mod cipher;
mod client_secret;
mod encryption_keys;
mod imported;
mod key_file;
mod random;

pub use cipher::ColumnCipher;
pub use client_secret::{Candidate, SecretHash, SecretHasher};
pub use encryption_keys::{EncryptionKeys, EncryptionKeysError, KeyId};
pub use imported::ImportedHash;
pub use key_file::{KEY_FILE_NAME, KeyFileError};
pub use random::{Random, SystemRandom};

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::wire::Secret;

/// A fault of a cryptographic step. It says what failed, never with which data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// The library refused an operation that has no reason to fail.
    #[error("a cryptographic operation failed")]
    Crypto,
    /// The value was encrypted under a key that is not in `ENCRYPTION_KEY`.
    #[error("encrypted under key {0}, which is not among the encryption keys")]
    UnknownKey(KeyId),
    /// The value is damaged, or belongs to another place than the one it was read from.
    #[error("an encrypted value is damaged or stands in the wrong place")]
    Damaged,
    /// The stored hash has a form that this version does not know.
    #[error("a stored secret hash has an unknown form")]
    UnknownHash,
    /// The stored hash was made elsewhere, and checking it would cost too much.
    #[error("a stored secret hash would cost too much to check")]
    CostlyHash,
}

/// What the rest of the server needs of this module, in one value: cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    hasher: Arc<SecretHasher>,
    cipher: Arc<ColumnCipher>,
    random: Arc<dyn Random>,
}

impl Secrets {
    /// Derives every working key from the encryption keys.
    pub fn new(keys: &EncryptionKeys, random: Arc<dyn Random>) -> Result<Self, SecretsError> {
        Ok(Self {
            hasher: Arc::new(SecretHasher::new(keys)?),
            cipher: Arc::new(ColumnCipher::new(keys, Arc::clone(&random))?),
            random,
        })
    }

    /// A fresh client secret: `sk_live_` and 64 hexadecimal digits (256 random bits).
    pub fn generate_client_secret(&self) -> Result<Secret, SecretsError> {
        client_secret::generate(self.random.as_ref())
    }

    /// The keyed hash of a client secret, as the text that storage keeps.
    pub fn hash_client_secret(&self, secret: &Secret) -> Result<String, SecretsError> {
        Ok(self.hasher.hash(secret).to_string())
    }

    /// The hasher, for client authentication.
    pub fn hasher(&self) -> &Arc<SecretHasher> {
        &self.hasher
    }

    /// Encrypts a column's value. `context` names the place (`table/column/row`); the value can be
    /// decrypted only with the same context, so that it cannot be moved to another row.
    pub fn encrypt(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SecretsError> {
        self.cipher.encrypt(context, plain)
    }

    /// Decrypts what [`Secrets::encrypt`] made under any of the encryption keys.
    pub fn decrypt(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretsError> {
        self.cipher.decrypt(context, sealed)
    }

    /// The value of that place under the first encryption key; `None` when it is so already.
    pub fn reencrypt(&self, context: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, SecretsError> {
        if self.cipher.is_current(sealed) {
            return Ok(None);
        }
        let plain = secrecy::SecretSlice::from(self.cipher.decrypt(context, sealed)?);
        self.cipher
            .encrypt(context, plain.expose_secret())
            .map(Some)
    }

    /// The source of random bytes.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.random
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(***)")
    }
}

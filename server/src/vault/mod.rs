//! Secrets in HashiCorp Vault or OpenBao, KV version 2.
//!
//! Owns: the client and the life of its token, the encryption key that may stand there, where the hashes
//! of client secrets are kept, and their deletion. Refuses: hashing (`secrets`), and deciding which secret is good (`auth`).

mod client;
mod deletions;
mod encryption_key;
mod error;
mod keeper;
mod reference;
mod renewal;

pub use client::{Client, Entry};
pub use deletions::Deletions;
pub use encryption_key::secrets;
pub use error::VaultError;
pub use keeper::{Hashes, KeepError, Keeper};
pub use reference::Reference;
pub use renewal::Renewal;

use std::sync::Arc;

use crate::{app::StartError, config::Config};

/// Where secrets are kept by this configuration. Nothing is sent to Vault yet.
///
/// # Errors
/// When no client can be made.
pub fn connect(config: &Config) -> Result<Arc<Keeper>, StartError> {
    let Some(settings) = &config.vault else {
        return Ok(Arc::new(Keeper::database()));
    };
    let unusable = |error| StartError::Failed(format!("Vault (VAULT_ADDR) {error}"));
    let client = Arc::new(Client::new(settings).map_err(unusable)?);
    Ok(Arc::new(Keeper::vault(client, settings.mount.clone())))
}

//! `ENCRYPTION_KEY_VAULT_PATH`: the encryption keys, read once at the start.

use std::sync::Arc;

use super::{Client, Keeper, VaultError};
use crate::{
    app::StartError,
    config::{Config, ConfigError},
    secrets::{EncryptionKeys, Random, Secrets},
    wire::Secret,
};

const VARIABLE: &str = "ENCRYPTION_KEY_VAULT_PATH";
const EXAMPLE: &str = "secret/data/agentidp/encryption-key";
/// The member of the entry that holds the list.
const FIELD: &str = "encryptionKey";

/// What encrypts: under the keys that are configured, those that stand in Vault, or one that is made
/// at the first use.
///
/// # Errors
/// One sentence that names the variable at fault, or says what is away.
pub async fn secrets(
    config: &Config,
    keeper: &Keeper,
    random: Arc<dyn Random>,
) -> Result<Secrets, StartError> {
    let path = config.vault.as_ref();
    let path = path.and_then(|vault| vault.encryption_key_path.as_deref());
    let keys = match (&config.encryption_keys, keeper.client().zip(path)) {
        (Some(keys), _) => keys.clone(),
        (None, Some((vault, path))) => read(vault, path).await?,
        (None, None) => EncryptionKeys::load_or_generate(&config.data_dir, &*random)
            .map_err(StartError::failed)?,
    };
    Secrets::new(&keys, random).map_err(StartError::failed)
}

/// The list at that path, which is one of KV version 2 (`<mount>/data/<path>`).
async fn read(client: &Client, path: &str) -> Result<EncryptionKeys, StartError> {
    let wrong = |problem: String| ConfigError::new(VARIABLE, problem, EXAMPLE);
    let entry = client.read(path).await.map_err(|error| match error {
        VaultError::Denied(_) => {
            let problem = format!("Vault {error}");
            StartError::Config(ConfigError::new("VAULT_TOKEN", problem, "hvs.…"))
        }
        VaultError::Unexpected(_) => wrong(format!("Vault {error} for {path:?}")).into(),
        _ => StartError::Failed(format!(
            "cannot read the encryption key ({VARIABLE}): Vault {error}"
        )),
    })?;
    let data = entry
        .data
        .ok_or_else(|| wrong(format!("Vault has nothing at {path:?}")))?;
    let list = data
        .get(FIELD)
        .and_then(|value| value.as_str())
        .map(Secret::new)
        .ok_or_else(|| wrong(format!("the entry at {path:?} has no text field {FIELD}")))?;
    EncryptionKeys::parse(list.expose())
        .map_err(|error| wrong(format!("the field {FIELD} at {path:?}: {error}")).into())
}

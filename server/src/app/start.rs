//! The first steps of a start, and why one ends there.

use std::{fs, path::Path, sync::Arc};

use crate::{
    clock::Clock,
    config::{Config, ConfigError},
    keys::KeyError,
    policy::Rego,
    secrets::{KEY_FILE_NAME, SecretsError},
    storage::{self, Storage, StorageError},
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Anything else: one sentence for the operator.
    #[error("{0}")]
    Failed(String),
}

impl StartError {
    /// From any failure that explains itself.
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Opens the store that is configured.
pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn Storage>, StartError> {
    storage::open(config, clock)
        .await
        .map_err(StartError::failed)
}

/// Makes the folder, for the owner alone; one that is there is left as it is.
pub fn prepare(folder: &Path) -> Result<(), StartError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        StartError::Failed(format!(
            "cannot make the folder {}: {error}",
            folder.display()
        ))
    })
}

/// The operator's policy, or the built-in one. A broken one must not start: who relies on it would
/// not notice.
pub(super) fn read_policy(config: &Config) -> Result<Rego, StartError> {
    match &config.policy_dir {
        None => Rego::built_in().map_err(StartError::failed),
        Some(folder) => Rego::of_folder(folder).map_err(|error| {
            ConfigError::new("POLICY_DIR", error.to_string(), "/etc/agentidp/policy").into()
        }),
    }
}

/// Whether there is an encryption key before this start. Without one the first start makes it.
pub fn has_encryption_key(config: &Config) -> bool {
    let vault = config.vault.as_ref();
    config.encryption_keys.is_some()
        || vault.is_some_and(|vault| vault.encryption_key_path.is_some())
        || config.data_dir.join(KEY_FILE_NAME).exists()
}

/// A store that holds signing keys was written with an encryption key. When that is lost, a new one opens nothing, and would
/// only stand where the old one has to go.
pub async fn refuse_lost_key(config: &Config, storage: &dyn Storage) -> Result<(), StartError> {
    if has_encryption_key(config) || storage.signing_keys().list().await?.is_empty() {
        return Ok(());
    }
    // Another process that starts beside this one may have made both meanwhile, the encryption key first.
    if has_encryption_key(config) {
        return Ok(());
    }
    Err(StartError::Failed(format!(
        "the encryption key of this database is missing: put its copy back as {}, or set ENCRYPTION_KEY",
        config.data_dir.join(KEY_FILE_NAME).display()
    )))
}

/// Another encryption key than the store was written with, named after where it came from.
fn wrong_encryption_key(error: &KeyError, config: &Config) -> StartError {
    let in_vault = config.vault.as_ref();
    let in_vault = in_vault.is_some_and(|vault| vault.encryption_key_path.is_some());
    let (variable, example) = if config.encryption_keys.is_some() {
        ("ENCRYPTION_KEY", "<new key>,<key of before>")
    } else if in_vault {
        (
            "ENCRYPTION_KEY_VAULT_PATH",
            "secret/data/agentidp/encryption-key",
        )
    } else {
        let file = config.data_dir.join(KEY_FILE_NAME);
        return StartError::Failed(format!("{}: {error}", file.display()));
    };
    ConfigError::new(variable, error.to_string(), example).into()
}

/// A key that was configured is the operator's fault; any other is not.
pub fn unusable_key(error: KeyError, config: &Config) -> StartError {
    if matches!(error, KeyError::Secrets(SecretsError::UnknownKey(_))) {
        return wrong_encryption_key(&error, config);
    }
    if !error.is_configuration() {
        return StartError::failed(error);
    }
    let (variable, example) = match error {
        KeyError::OtherPublic => ("JWT_PUBLIC_KEY", "'-----BEGIN PUBLIC KEY-----\\n…'"),
        _ => ("JWT_PRIVATE_KEY", "'-----BEGIN PRIVATE KEY-----\\n…'"),
    };
    ConfigError::new(variable, error.to_string(), example).into()
}

impl From<StorageError> for StartError {
    fn from(error: StorageError) -> Self {
        Self::failed(error)
    }
}

//! `agentidp backup` and `agentidp restore`.
//!
//! A backup is one SQLite file: everything that was committed at one moment, checked page by page and chain by chain before
//! it gets its name. PostgreSQL has tools of its own for this; `postgres` says how they are called for a database whose
//! tables have forced row-level security.
//!
//! A restored store knows nothing of what was revoked after the backup. So a restore ends every token that was issued
//! before it: clients fetch new ones. Refuses to overwrite anything.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use uuid::Uuid;

use super::chains;
use crate::{
    audit::SystemRandomness,
    clock::Clock,
    keys::unreadable,
    secrets::Secrets,
    storage::{
        OpenError, Storage, StorageError,
        sqlite::{Options, SqliteStorage},
    },
};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{0} is there already; move it away first")]
    Occupied(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database cannot be read, or is damaged.
    #[error("{path}: {source}")]
    Database {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: StorageError,
    },
    /// The restored database cannot be opened by this version.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is in it is not to be used.
    #[error("{path}: {source}")]
    Content {
        /// Which database.
        path: PathBuf,
        /// What is wrong.
        source: FinishError,
    },
}

/// What a backup or a restored database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Chains of audit events, all verified.
    pub chains: usize,
    /// Events in them.
    pub events: u64,
}

/// Writes a backup of the database to `target`, for this user alone. Servers may go on meanwhile.
///
/// # Errors
/// See [`BackupError`]; then there is no `target`.
pub async fn backup(
    database: &Path,
    target: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Held, BackupError> {
    refuse_occupied(target)?;
    if !database.is_file() {
        return Err(file_error(database)(io::ErrorKind::NotFound.into()));
    }
    let unfinished = Unfinished::make(target)?;
    let snapshot = SqliteStorage::snapshot(database, &unfinished.path).await;
    snapshot.map_err(database_error(database))?;
    let held = inspect(&unfinished.path, clock).await?;
    unfinished.publish(target)?;
    Ok(held)
}

/// Puts a backup in the place of the database, which must be free. `auto_migrate` brings it to this version's schema.
///
/// # Errors
/// See [`BackupError`]; then the place is still free.
pub async fn restore(
    backup: &Path,
    database: &Path,
    auto_migrate: bool,
    secrets: &Secrets,
    clock: Arc<dyn Clock>,
) -> Result<Held, BackupError> {
    // SQLite would take what is left in these for changes of the restored file.
    for beside in ["", "-wal", "-shm", "-journal"] {
        refuse_occupied(&with_suffix(database, beside))?;
    }
    inspect(backup, Arc::clone(&clock)).await?;
    let unfinished = Unfinished::make(database)?;
    unfinished.fill(backup)?;
    let options = Options {
        path: unfinished.path.clone(),
        auto_migrate,
        clock: Arc::clone(&clock),
        randomness: Arc::new(SystemRandomness),
    };
    let storage = SqliteStorage::open(options).await?;
    let held = finish(&storage, secrets, &*clock).await;
    storage.close().await;
    let held = held.map_err(content_error(database))?;
    unfinished.publish(database)?;
    Ok(held)
}

/// The last step of every restore: verifies the chains, tries the encryption key, and ends every token that was issued before.
///
/// # Errors
/// See [`FinishError`]; then no token has ended.
pub async fn finish(
    storage: &dyn Storage,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Result<Held, FinishError> {
    let held = verified(storage).await?;
    let unreadable = unreadable(storage, secrets).await?;
    if !unreadable.is_empty() {
        return Err(FinishError::Key(unreadable.join(", ")));
    }
    storage.revocations().end_all_tokens(clock.now()).await?;
    Ok(held)
}

/// Why a restored store is not to be used.
#[derive(Debug, Error)]
pub enum FinishError {
    /// The store is away.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The audit log in it was tampered with or is not whole.
    #[error("the audit chain of organization {0} is broken; see `agentidp audit verify`")]
    Chain(Uuid),
    /// It was encrypted under another key.
    #[error(
        "the encryption key is another than the backed-up server's: it does not decrypt signing key {0}"
    )]
    Key(String),
}

/// Checks a file that nobody writes.
async fn inspect(path: &Path, clock: Arc<dyn Clock>) -> Result<Held, BackupError> {
    let storage = SqliteStorage::inspect(path, clock).await;
    let storage = storage.map_err(database_error(path))?;
    let held = verified(&storage).await;
    storage.close().await;
    held.map_err(content_error(path))
}

async fn verified(storage: &dyn Storage) -> Result<Held, FinishError> {
    let mut held = Held::default();
    for report in chains(storage, None).await? {
        if !report.found.verified {
            return Err(FinishError::Chain(report.organization));
        }
        held.chains += 1;
        held.events += report.found.checked_count;
    }
    Ok(held)
}

/// A file that gets its name when it is whole, and is gone otherwise.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// What is beside it while it is worked on, and it itself.
    const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

    /// Empty, for this user alone, beside the place where it shall be.
    ///
    /// What a killed run left there goes first, and is never written into: killed behind its publication, it left another
    /// name of a whole backup; before it, changes that SQLite would take for changes of the new file.
    fn make(target: &Path) -> Result<Self, BackupError> {
        let path = with_suffix(target, ".unfinished");
        for file in Self::FILES.map(|suffix| with_suffix(&path, suffix)) {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(file_error(&file)(error));
                }
                _ => {}
            }
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(file_error(&path))?;
        Ok(Self { path })
    }

    /// Takes the content of a file, and not its mode: a backup may be one that nobody may write, or that all may read.
    fn fill(&self, from: &Path) -> Result<(), BackupError> {
        let mut content = File::open(from).map_err(file_error(from))?;
        let file = OpenOptions::new().write(true).open(&self.path);
        let mut file = file.map_err(file_error(&self.path))?;
        io::copy(&mut content, &mut file).map_err(file_error(&self.path))?;
        Ok(())
    }

    fn publish(self, target: &Path) -> Result<(), BackupError> {
        let written = File::open(&self.path).and_then(|file| file.sync_all());
        written.map_err(file_error(&self.path))?;
        // A link, unlike a rename, never replaces what appeared there meanwhile.
        fs::hard_link(&self.path, target).map_err(file_error(target))?;
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let named = File::open(folder).and_then(|folder| folder.sync_all());
        named.map_err(file_error(folder))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for beside in Self::FILES {
            // Most of them are not there, and what remains is in nobody's way.
            let _ = fs::remove_file(with_suffix(&self.path, beside));
        }
    }
}

fn refuse_occupied(path: &Path) -> Result<(), BackupError> {
    match path.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(BackupError::Occupied(path.to_owned())),
        Err(source) => Err(file_error(path)(source)),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    |source| BackupError::File { path, source }
}

fn database_error(path: &Path) -> impl FnOnce(StorageError) -> BackupError + use<> {
    let path = path.to_owned();
    |source| BackupError::Database { path, source }
}

fn content_error(path: &Path) -> impl FnOnce(FinishError) -> BackupError + use<> {
    let path = path.to_owned();
    |source| BackupError::Content { path, source }
}

//! The generated encryption key: one line of 64 hexadecimal digits in the data directory, readable
//! by its owner alone. Used only when `ENCRYPTION_KEY` is not given.
//!
//! Refuses a file that others can read, and never overwrites one: a lost key is lost data.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::encryption_keys::KEY_BYTES;
use super::{EncryptionKeys, EncryptionKeysError, Random, SecretsError};

/// Name of the file inside the data directory.
pub const KEY_FILE_NAME: &str = "encryption.key";

/// Why the generated key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other users of the machine may read the file.
    #[error("{path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{path}: {source}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: EncryptionKeysError,
    },
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] SecretsError),
}

impl EncryptionKeys {
    /// Reads the key of the data directory, making it at the first start. Two processes that start
    /// at once end up with the same key.
    pub fn load_or_generate(
        data_directory: &Path,
        random: &dyn Random,
    ) -> Result<Self, KeyFileError> {
        let path = data_directory.join(KEY_FILE_NAME);
        let fault = |source| KeyFileError::Io {
            path: path.clone(),
            source,
        };
        if !path.try_exists().map_err(fault)? {
            generate(data_directory, &path, random)?;
        }
        refuse_exposed(&path)?;
        let text = fs::read_to_string(&path).map_err(fault)?;
        Self::parse(&text).map_err(|source| KeyFileError::Content { path, source })
    }
}

/// Writes a private temporary file and links it to its name: the name appears with its whole
/// content, and whoever links second keeps the first one's key.
fn generate(directory: &Path, path: &Path, random: &dyn Random) -> Result<(), KeyFileError> {
    let fault = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let temporary = directory.join(format!("{KEY_FILE_NAME}.{}", random.uuid()?));
    let mut key = [0u8; KEY_BYTES];
    random.fill(&mut key)?;
    let mut line: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    line.push('\n');
    write_private(&temporary, line.as_bytes()).map_err(fault)?;
    let linked = match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&temporary).map_err(fault)?;
    linked.map_err(fault)?;
    // The directory's entry is what a power cut would lose.
    #[cfg(unix)]
    fs::File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(fault)?;
    Ok(())
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(|source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_path: &Path) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SystemRandom;

    #[test]
    fn the_first_start_makes_a_private_key_and_the_second_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let random = SystemRandom;
        let first = EncryptionKeys::load_or_generate(directory.path(), &random).unwrap();
        let again = EncryptionKeys::load_or_generate(directory.path(), &random).unwrap();
        assert!(first.ids().eq(again.ids()));
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "the temporary file is gone");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let random = SystemRandom;
        EncryptionKeys::load_or_generate(directory.path(), &random).unwrap();
        let path = directory.path().join(KEY_FILE_NAME);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let fault = EncryptionKeys::load_or_generate(directory.path(), &random).unwrap_err();
        assert!(matches!(fault, KeyFileError::Exposed { mode: 0o644, .. }));
    }

    #[test]
    fn a_damaged_key_is_reported_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        write_private(&directory.path().join(KEY_FILE_NAME), b"no key\n").unwrap();
        let fault = EncryptionKeys::load_or_generate(directory.path(), &SystemRandom).unwrap_err();
        assert!(matches!(fault, KeyFileError::Content { .. }), "{fault}");
    }
}

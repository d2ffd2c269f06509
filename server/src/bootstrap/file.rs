//! `bootstrap.json`: where to call, and the first admin's credential. Readable by its owner alone; appears whole or not
//! at all.
//!
//! It is first written under a pending name that says which credential it is about. A start that finds such a file knows
//! from the store whether the credential came to be, and publishes or discards the file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use uuid::Uuid;

use crate::wire::Secret;

/// Name of the file inside the data directory.
pub const BOOTSTRAP_FILE_NAME: &str = "bootstrap.json";
const PENDING: &str = ".pending";

/// What the file says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapFile {
    /// Where to call.
    pub base_url: String,
    /// The admin agent.
    pub client_id: Uuid,
    /// Its secret, here and nowhere else.
    pub client_secret: Secret,
    /// The system organization.
    pub organization_id: Uuid,
}

impl BootstrapFile {
    /// What the file will say.
    pub fn new(
        base_url: &str,
        client_id: Uuid,
        organization_id: Uuid,
        client_secret: Secret,
    ) -> Self {
        Self {
            base_url: base_url.to_owned(),
            client_id,
            client_secret,
            organization_id,
        }
    }

    /// Writes it under its pending name and to the disk.
    pub(super) fn write_pending(&self, directory: &Path, credential: Uuid) -> io::Result<Pending> {
        let pending = Pending::new(directory, self.client_id, credential);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&pending.path)?;
        file.write_all(&self.content()?)?;
        file.sync_all()?;
        Ok(pending)
    }

    /// Publishes what was written, once the credential is one. A server that started before that took the pending file for
    /// one of a credential that never was, and discarded it: then it is written again.
    pub(super) fn publish(
        &self,
        pending: Pending,
        directory: &Path,
        credential: Uuid,
    ) -> io::Result<()> {
        if pending.publish()? || self.is_published(directory)? {
            return Ok(());
        }
        self.write_pending(directory, credential)?
            .publish()
            .map(drop)
    }

    fn is_published(&self, directory: &Path) -> io::Result<bool> {
        match fs::read(directory.join(BOOTSTRAP_FILE_NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            there => Ok(there? == self.content()?),
        }
    }

    fn content(&self) -> io::Result<Vec<u8>> {
        let mut content = serde_json::to_vec_pretty(self)?;
        content.push(b'\n');
        Ok(content)
    }
}

/// The file under its pending name.
pub(super) struct Pending {
    directory: PathBuf,
    path: PathBuf,
    client: Uuid,
    credential: Uuid,
}

impl Pending {
    fn new(directory: &Path, client: Uuid, credential: Uuid) -> Self {
        let path = directory.join(format!(
            "{BOOTSTRAP_FILE_NAME}.{client}.{credential}{PENDING}"
        ));
        Self {
            directory: directory.to_owned(),
            path,
            client,
            credential,
        }
    }

    /// Those that interrupted starts left behind.
    pub fn find(directory: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name();
            if let Some((client, credential)) = name.to_str().and_then(ids) {
                found.push(Self::new(directory, client, credential));
            }
        }
        Ok(found)
    }

    /// Whom it is about.
    pub const fn client(&self) -> Uuid {
        self.client
    }

    /// Which credential's secret it holds.
    pub const fn credential(&self) -> Uuid {
        self.credential
    }

    /// Gives it its name. `false`: a second process that started meanwhile has published or discarded it.
    pub fn publish(self) -> io::Result<bool> {
        match fs::rename(&self.path, self.directory.join(BOOTSTRAP_FILE_NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            outcome => outcome?,
        }
        // The name, too, has to be on the disk.
        File::open(&self.directory)?.sync_all()?;
        Ok(true)
    }

    /// Removes it, if nobody did so before.
    pub fn discard(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

fn ids(name: &str) -> Option<(Uuid, Uuid)> {
    let (client, credential) = name
        .strip_prefix(BOOTSTRAP_FILE_NAME)?
        .strip_prefix('.')?
        .strip_suffix(PENDING)?
        .split_once('.')?;
    Some((
        Uuid::try_parse(client).ok()?,
        Uuid::try_parse(credential).ok()?,
    ))
}

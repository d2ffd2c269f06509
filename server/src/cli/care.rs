//! What an operator does to a store as a whole, or to what it holds of one person.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Subcommand;
use uuid::Uuid;

use super::{Flags, maintain, print, run_once};
use crate::{
    app::{self, StartError},
    audit::SystemRandomness,
    care::{self, Copied, Held},
    clock::SystemClock,
    config::{self, Config, Database},
    secrets::KEY_FILE_NAME,
    storage::postgres,
    wire::Secret,
};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Write a checked backup of the SQLite database to a new file, while servers run; for PostgreSQL, say what to run
    Backup {
        #[command(flatten)]
        flags: Flags,
        /// The file to make
        file: PathBuf,
    },
    /// Put a backup in the place of the SQLite database, which must be free, and end all tokens; for PostgreSQL, say what to run
    Restore {
        #[command(flatten)]
        flags: Flags,
        /// The backup
        #[arg(required_unless_present = "finish")]
        file: Option<PathBuf>,
        /// The database was restored by other means: verify its chains and end all tokens of before
        #[arg(long, conflicts_with = "file")]
        finish: bool,
    },
    /// Copy everything of the SQLite database into an empty PostgreSQL one, all or nothing; stop the server first
    Copy {
        #[command(flatten)]
        flags: Flags,
        /// `postgres://…`, as the server's role
        #[arg(long)]
        to: String,
        /// The same database as the role that owns the tables, where that is another one
        #[arg(long)]
        migrate_as: Option<String>,
    },
    /// Erase what is held of the person behind a decommissioned agent: payloads of audit events, e-mail
    /// address, owner; every proof stays valid; may be repeated
    Erase {
        #[command(flatten)]
        flags: Flags,
        /// The agent's id
        #[arg(long)]
        agent: Uuid,
    },
}

/// Runs one of them.
pub(super) fn run(action: &Action) -> Result<(), StartError> {
    match action {
        Action::Backup { flags, file } => backup(flags, file),
        Action::Restore { flags, file, .. } => match file {
            Some(file) => restore(flags, file),
            None => finish(flags),
        },
        Action::Copy {
            flags,
            to,
            migrate_as,
        } => copy(flags, to, migrate_as.as_deref()),
        Action::Erase { flags, agent } => erase(flags, *agent),
    }
}

fn backup(flags: &Flags, file: &Path) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    match &config.database {
        Database::Sqlite(database) => {
            let held = run_once(async {
                care::backup(database, file, Arc::new(SystemClock))
                    .await
                    .map_err(StartError::failed)
            })?;
            print(&format!(
                "{} is a backup with {}.\n\
                 It holds no encryption key ({}): keep a copy of that apart. Without it the signing keys in the backup cannot be\n\
                 decrypted and no client secret verifies. Agents' records and audit events are readable without it.\n",
                file.display(),
                said(held),
                key_place(&config)
            ));
            Ok(())
        }
        Database::Postgres { url, migration_url } => {
            let command = care::dump_command(owner(url, migration_url.as_ref()), file);
            print(&format!("{command}\n"));
            Err(StartError::failed(
                "nothing was backed up: PostgreSQL is backed up by its own tool; run the command above",
            ))
        }
    }
}

fn restore(flags: &Flags, file: &Path) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    match &config.database {
        Database::Sqlite(database) => {
            require_key(&config)?;
            app::prepare(&config.data_dir)?;
            let held = run_once(async {
                let secrets = maintain::secrets(&config).await?;
                let clock = Arc::new(SystemClock);
                care::restore(file, database, config.auto_migrate, &secrets, clock)
                    .await
                    .map_err(StartError::failed)
            })?;
            print(&format!(
                "{} is restored with {}.\n{AFTERWARDS}",
                database.display(),
                said(held)
            ));
            Ok(())
        }
        Database::Postgres { url, migration_url } => {
            let commands = care::restore_commands(owner(url, migration_url.as_ref()), file);
            print(&format!("{}\n", commands.join("\n")));
            Err(StartError::failed(
                "nothing was restored: PostgreSQL is restored by its own tool; run the commands above on an empty database",
            ))
        }
    }
}

fn finish(flags: &Flags) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    require_key(&config)?;
    let held = run_once(async {
        let clock = Arc::new(SystemClock);
        let secrets = maintain::secrets(&config).await?;
        let storage = app::open(&config, clock.clone()).await?;
        let held = care::finish(&*storage, &secrets, &*clock).await;
        storage.close().await;
        held.map_err(StartError::failed)
    })?;
    print(&format!("The database has {}.\n{AFTERWARDS}", said(held)));
    Ok(())
}

fn copy(flags: &Flags, to: &str, migrate_as: Option<&str>) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    let Database::Sqlite(database) = &config.database else {
        return Err(StartError::failed(
            "copy reads a SQLite database, and DATABASE_URL names another one",
        ));
    };
    let options = postgres::Options {
        url: config::postgres("--to", to)?,
        migration_url: migrate_as
            .map(|url| config::postgres("--migrate-as", url))
            .transpose()?,
        auto_migrate: true,
        pool: config.pool,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let copied = run_once(async {
        care::copy(database, options)
            .await
            .map_err(StartError::failed)
    })?;
    print(&report(&copied, &config));
    Ok(())
}

fn report(copied: &Copied, config: &Config) -> String {
    let mut text = String::from("Copied, read back and compared:\n");
    for (table, rows) in &copied.tables {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {table:<16}{rows:>9}");
    }
    if copied.left_behind > 0 {
        let _ = writeln!(
            text,
            "  left behind: {} kept answers of an older version, which go within a day",
            copied.left_behind
        );
    }
    let _ = writeln!(
        text,
        "{} audit events in {} chains hold on both sides.\n\
         Servers on the new database need the same encryption key, as ENCRYPTION_KEY (now: {}).\n\
         Start none on the old one any more.",
        copied.events,
        copied.chains,
        key_place(config)
    );
    text
}

const AFTERWARDS: &str = "Every token issued before has ended; clients fetch new ones. What was revoked, rotated or erased \
    after the backup was made\nis not so here: do it again.\n";

fn said(held: Held) -> String {
    format!(
        "{} audit events in {} verified chains",
        held.events, held.chains
    )
}

fn owner<'a>(server: &'a Secret, owner: Option<&'a Secret>) -> &'a Secret {
    owner.unwrap_or(server)
}

/// Where the encryption key is.
fn key_place(config: &Config) -> String {
    match &config.encryption_keys {
        Some(_) => "ENCRYPTION_KEY".to_owned(),
        None => config.data_dir.join(KEY_FILE_NAME).display().to_string(),
    }
}

/// A restored store needs the key that it was written under; making another one helps nobody.
fn require_key(config: &Config) -> Result<(), StartError> {
    if app::has_encryption_key(config) {
        return Ok(());
    }
    let file = config.data_dir.join(KEY_FILE_NAME);
    Err(StartError::failed(format!(
        "there is no encryption key: put the backed-up server's back as {} or set ENCRYPTION_KEY",
        file.display()
    )))
}

fn erase(flags: &Flags, agent: Uuid) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    let erased = run_once(async {
        let clock = Arc::new(SystemClock);
        let storage = app::open(&config, clock.clone()).await?;
        let erased = care::erase(&*storage, &*clock, agent).await;
        storage.close().await;
        erased.map_err(StartError::failed)
    })?;
    print(&format!(
        "Erased the payloads of {} audit events and {}.\n\
         Backups made before, and the logs of servers and proxies, still hold them; kept answers go within a day.\n",
        erased.events,
        if erased.record {
            "what the agent's record said of people"
        } else {
            "nothing of the agent's record, which was erased before"
        }
    ));
    Ok(())
}

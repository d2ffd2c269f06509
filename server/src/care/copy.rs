//! `agentidp copy --to <database url>`: everything of a SQLite database into an empty PostgreSQL one.
//!
//! All or nothing: one transaction adds every table, reads it back and compares, row for row, before it commits. The audit
//! chains are recomputed on both sides. The source is not changed, and no server may have it open: what one wrote meanwhile
//! would be lost.

use std::path::{Path, PathBuf};

use thiserror::Error;
use uuid::Uuid;

use super::chains;
use crate::storage::{
    Content, OpenError, Storage, StorageError, TABLES, Table,
    postgres::{self, PostgresStorage, Target},
    sqlite::{Source, SqliteStorage},
};

/// Why nothing was copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// There is no such file.
    #[error("there is no database {0}")]
    Missing(PathBuf),
    /// A server runs on it.
    #[error("{0} is in use: stop the server first")]
    InUse(PathBuf),
    /// One of the databases cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source cannot be read.
    #[error("{0}: {1}")]
    Source(PathBuf, StorageError),
    /// The target is not empty.
    #[error("the target is not empty: it has rows in {0}")]
    Occupied(&'static str),
    /// The target failed.
    #[error("the target: {0}")]
    Target(StorageError),
    /// What was read back is not what was written.
    #[error("{0} reads back differently; nothing was copied")]
    Differs(&'static str),
    /// A chain does not verify.
    #[error("the audit chain of organization {organization} is broken in {place}")]
    Chain {
        /// Where.
        place: &'static str,
        /// Whose.
        organization: Uuid,
    },
}

/// What was copied.
#[derive(Clone, Debug, Default)]
pub struct Copied {
    /// How many rows of each table, all compared.
    pub tables: Vec<(&'static str, u64)>,
    /// How many kept answers stayed behind because nobody noted whose they are.
    pub left_behind: i64,
    /// How many chains were recomputed on both sides.
    pub chains: usize,
    /// How many events are in them.
    pub events: u64,
}

/// Copies. See the module.
///
/// # Errors
/// See [`CopyError`]; then the target is as empty as it was.
pub async fn copy(source: &Path, to: postgres::Options) -> Result<Copied, CopyError> {
    if !source.is_file() {
        return Err(CopyError::Missing(source.to_owned()));
    }
    SqliteStorage::migrate(source).await?;
    let from_source = |error| CopyError::Source(source.to_owned(), error);
    let in_use = || CopyError::InUse(source.to_owned());
    let opened = Source::open(source).await.map_err(from_source)?;
    let mut rows = opened.ok_or_else(in_use)?;
    let inspected = SqliteStorage::inspect(source, to.clock.clone()).await;
    let inspected = inspected.map_err(from_source)?;
    let before = verified(&inspected, "the source").await;
    inspected.close().await;
    let (count, events) = before?;
    let url = to.url.clone();
    let storage = PostgresStorage::open(to).await?;
    let filled = fill(&mut rows, &url, source).await;
    rows.close().await;
    let after = match &filled {
        Ok(_) => verified(&storage, "the target").await,
        Err(_) => Ok((count, events)),
    };
    storage.close().await;
    let mut copied = filled?;
    if after? != (count, events) {
        return Err(CopyError::Differs("the audit log"));
    }
    copied.chains = count;
    copied.events = events;
    Ok(copied)
}

async fn fill(
    source: &mut Source,
    url: &crate::wire::Secret,
    path: &Path,
) -> Result<Copied, CopyError> {
    let from_source = |error| CopyError::Source(path.to_owned(), error);
    let mut target = Target::open(url).await.map_err(CopyError::Target)?;
    if let Some(table) = target.occupied().await.map_err(CopyError::Target)? {
        return Err(CopyError::Occupied(table));
    }
    let mut copied = Copied::default();
    for table in &TABLES {
        let written = move_rows(source, &mut target, table, path).await?;
        let read = target.content(table).await.map_err(CopyError::Target)?;
        if read != written {
            return Err(CopyError::Differs(table.name));
        }
        copied.tables.push((table.name, read.rows));
        copied.left_behind += source.left_behind(table).await.map_err(from_source)?;
    }
    let revision = source.revision().await.map_err(from_source)?;
    target.commit(revision).await.map_err(CopyError::Target)?;
    Ok(copied)
}

async fn move_rows(
    source: &mut Source,
    target: &mut Target,
    table: &Table,
    path: &Path,
) -> Result<Content, CopyError> {
    let mut content = Content::default();
    let mut next = Some(0);
    while let Some(after) = next {
        let page = source.page(table, after).await;
        let (rows, more) = page.map_err(|error| CopyError::Source(path.to_owned(), error))?;
        rows.iter().for_each(|row| content.add(row));
        if !rows.is_empty() {
            let inserted = target.insert(table, rows).await;
            inserted.map_err(CopyError::Target)?;
        }
        next = more;
    }
    Ok(content)
}

/// How many chains there are and how many events are in them.
async fn verified(storage: &dyn Storage, place: &'static str) -> Result<(usize, u64), CopyError> {
    let reports = chains(storage, None).await.map_err(CopyError::Target)?;
    if let Some(broken) = reports.iter().find(|report| !report.found.verified) {
        let organization = broken.organization;
        return Err(CopyError::Chain {
            place,
            organization,
        });
    }
    let events = reports.iter().map(|report| report.found.checked_count);
    Ok((reports.len(), events.sum()))
}

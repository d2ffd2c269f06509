//! `agentidp audit`: verifying every chain, exporting the log, explaining one event. Reads only.

use std::io;

use thiserror::Error;
use uuid::Uuid;

use crate::{
    audit::{Span, Verification, event_answer, link_holds, payload_holds, verify_chain},
    error::ApiError,
    storage::{Reach, Storage, StorageError, StorageResult, StoredEvent},
};

/// How many events are read at once.
const SLICE: u32 = 500;

/// One organization's chain, recomputed.
#[derive(Clone, Debug)]
pub struct ChainReport {
    /// Whose chain.
    pub organization: Uuid,
    /// What was found.
    pub found: Verification,
}

/// Recomputes one chain, or all of them.
///
/// # Errors
/// Only when the store cannot be read; a broken chain is an answer.
pub async fn chains(storage: &dyn Storage, only: Option<Uuid>) -> StorageResult<Vec<ChainReport>> {
    let mut reports = Vec::new();
    for organization in organizations(storage, only).await? {
        let found = verify_chain(storage.audit(), organization, Span::default()).await?;
        reports.push(ChainReport {
            organization,
            found,
        });
    }
    Ok(reports)
}

/// Whether there is such an organization: a misspelt one has no chain that could hold.
///
/// # Errors
/// Only when the store cannot be read.
pub async fn knows(storage: &dyn Storage, organization: Uuid) -> StorageResult<bool> {
    let found = storage.organizations().get(organization).await?;
    Ok(found.is_some() || storage.audit().head(organization).await?.is_some())
}

/// Why an export is not whole.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An event cannot be shown.
    #[error("an event cannot be shown: {0}")]
    Event(#[from] ApiError),
    /// What was written went nowhere.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Writes every event as the API answers it, one a line, chain by chain and oldest first: what the SDKs' offline check
/// reads. Answers how many.
///
/// # Errors
/// See [`ExportError`].
pub async fn export(
    storage: &dyn Storage,
    only: Option<Uuid>,
    out: &mut dyn io::Write,
) -> Result<u64, ExportError> {
    let mut exported = 0;
    for organization in organizations(storage, only).await? {
        let mut next = 1;
        loop {
            let slice = storage.audit().chain(organization, next, SLICE).await?;
            let Some(last) = slice.last() else { break };
            next = last.sequence + 1;
            for event in slice {
                let line = serde_json::to_string(&event_answer(event)?);
                writeln!(out, "{}", line.map_err(io::Error::from)?)?;
                exported += 1;
            }
        }
    }
    out.flush()?;
    Ok(exported)
}

async fn organizations(storage: &dyn Storage, only: Option<Uuid>) -> StorageResult<Vec<Uuid>> {
    match only {
        Some(organization) => Ok(vec![organization]),
        None => Ok(storage
            .audit()
            .chains()
            .await?
            .into_iter()
            .map(|(organization, _)| organization)
            .collect()),
    }
}

/// An event, and what each of its hashes proves.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The event.
    pub event: StoredEvent,
    /// Whether its payload is what was hashed, or was erased whole.
    pub payload_holds: bool,
    /// Whether its own hash covers its place and payload hash.
    pub hash_holds: bool,
    /// How it hangs on the one before it.
    pub before: Link,
    /// How the one after it hangs on it.
    pub after: Link,
}

/// How two neighbours of a chain hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// There is no neighbour on this side: the chain begins or ends here.
    End,
    /// The later one names the hash of the earlier one.
    Holds,
    /// It does not.
    Broken,
    /// The neighbour is not there, and should be.
    Missing,
}

/// Explains one event, of whatever organization; `None` when it is unknown.
///
/// # Errors
/// Only when the store cannot be read.
pub async fn explain(storage: &dyn Storage, id: Uuid) -> StorageResult<Option<Explanation>> {
    let audit = storage.audit();
    let Some(event) = audit.get(Reach::Everywhere, id).await? else {
        return Ok(None);
    };
    let neighbour = async |sequence: i64| -> StorageResult<Option<StoredEvent>> {
        let found = audit.chain(event.organization_id, sequence, 1).await?;
        Ok(found.into_iter().find(|found| found.sequence == sequence))
    };
    let end = audit.head(event.organization_id).await?;
    let before = match event.sequence {
        1 if event.previous_hash.is_empty() => Link::End,
        1 => Link::Broken,
        sequence => link(neighbour(sequence - 1).await?.as_ref(), Some(&event)),
    };
    let after = match end {
        Some(end) if end.sequence == event.sequence && end.hash == event.hash => Link::End,
        Some(end) if end.sequence == event.sequence => Link::Broken,
        _ => link(Some(&event), neighbour(event.sequence + 1).await?.as_ref()),
    };
    Ok(Some(Explanation {
        payload_holds: payload_holds(&event),
        hash_holds: link_holds(&event),
        before,
        after,
        event,
    }))
}

fn link(earlier: Option<&StoredEvent>, later: Option<&StoredEvent>) -> Link {
    match (earlier, later) {
        (Some(earlier), Some(later)) if later.previous_hash == earlier.hash => Link::Holds,
        (Some(_), Some(_)) => Link::Broken,
        _ => Link::Missing,
    }
}

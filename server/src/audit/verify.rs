//! Verifying a chain: recomputing every hash, in order, up to the first break. Reads in slices, holds no chain in memory.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChainLink, Payload, chain_hash, payload_hash};
use crate::{
    clock::Timestamp,
    storage::{AuditStore, StorageResult, StoredEvent},
};

/// How many events are read at once.
const SLICE: u32 = 500;

/// Which part of a chain to verify, by when its events were written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// At or after; `None`: from the first event on.
    pub from: Option<Timestamp>,
    /// Before; `None`: to the newest event and the chain's kept end.
    pub to: Option<Timestamp>,
}

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether everything held.
    pub verified: bool,
    /// How many events held or were found broken.
    pub checked_count: u64,
    /// Where the chain first breaks: the event that is not what was written, or the first after (or last before) missing ones.
    pub broken_at: Option<Uuid>,
}

/// What the next event must follow.
struct Expected {
    sequence: i64,
    previous_hash: Vec<u8>,
}

/// Verifies one organization's chain.
///
/// # Errors
/// Only when the store cannot be read; a broken chain is an answer.
pub async fn verify_chain(
    audit: &dyn AuditStore,
    organization: Uuid,
    span: Span,
) -> StorageResult<Verification> {
    let mut found = Verification {
        verified: true,
        checked_count: 0,
        broken_at: None,
    };
    // Read before the events: what is appended meanwhile must not look like an end that does not match.
    let head = audit.head(organization).await?;
    let Some(mut expected) = begin(audit, organization, span).await? else {
        return Ok(found);
    };
    let mut last = None;
    loop {
        let events = audit.chain(organization, expected.sequence, SLICE).await?;
        let full = events.len() == SLICE as usize;
        for event in events {
            if span.to.is_some_and(|to| event.timestamp >= to) {
                return Ok(found);
            }
            found.checked_count += 1;
            if !holds(&event, &expected) {
                found.verified = false;
                found.broken_at = Some(event.event_id);
                return Ok(found);
            }
            expected = Expected {
                sequence: event.sequence + 1,
                previous_hash: event.hash,
            };
            last = Some(event.event_id);
        }
        if !full {
            break;
        }
    }
    if head.is_some_and(|head| head.sequence >= expected.sequence) {
        found.verified = false;
        found.broken_at = last;
    }
    Ok(found)
}

/// A place in a chain: everything before `sequence` held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainPoint {
    sequence: i64,
    previous_hash: Vec<u8>,
}

impl Default for ChainPoint {
    /// The beginning.
    fn default() -> Self {
        Self {
            sequence: 1,
            previous_hash: Vec::new(),
        }
    }
}

/// What verifying a slice of a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slice {
    /// It held up to there; there is more.
    HoldsTo(ChainPoint),
    /// It held to its end.
    Whole,
    /// It does not hold: at this event, or because its newest events are missing.
    BrokenAt(Option<Uuid>),
}

/// Verifies the next [`SLICE`] events of a chain: for work that rests in between.
///
/// # Errors
/// Only when the store cannot be read.
pub async fn verify_slice(
    audit: &dyn AuditStore,
    organization: Uuid,
    point: ChainPoint,
) -> StorageResult<Slice> {
    // Read before the events, as above.
    let head = audit.head(organization).await?;
    let mut expected = Expected {
        sequence: point.sequence,
        previous_hash: point.previous_hash,
    };
    let events = audit.chain(organization, expected.sequence, SLICE).await?;
    let full = events.len() == SLICE as usize;
    for event in events {
        if !holds(&event, &expected) {
            return Ok(Slice::BrokenAt(Some(event.event_id)));
        }
        expected = Expected {
            sequence: event.sequence + 1,
            previous_hash: event.hash,
        };
    }
    if full {
        return Ok(Slice::HoldsTo(ChainPoint {
            sequence: expected.sequence,
            previous_hash: expected.previous_hash,
        }));
    }
    match head {
        Some(head) if head.sequence >= expected.sequence => Ok(Slice::BrokenAt(None)),
        _ => Ok(Slice::Whole),
    }
}

/// The first event of the span and the hash it must follow; `None` when the span has no event.
async fn begin(
    audit: &dyn AuditStore,
    organization: Uuid,
    span: Span,
) -> StorageResult<Option<Expected>> {
    let first = Expected {
        sequence: 1,
        previous_hash: Vec::new(),
    };
    let Some(from) = span.from else {
        return Ok(Some(first));
    };
    let Some(sequence) = audit.first_sequence_from(organization, from).await? else {
        return Ok(None);
    };
    if sequence <= 1 {
        return Ok(Some(first));
    }
    let before = audit
        .chain(organization, sequence - 1, 1)
        .await?
        .into_iter()
        .next();
    Ok(Some(match before {
        Some(event) if event.sequence == sequence - 1 => Expected {
            sequence,
            previous_hash: event.hash,
        },
        // The event before is missing: nothing matches an impossible hash, so the break shows at the first event.
        _ => Expected {
            sequence,
            previous_hash: vec![0],
        },
    }))
}

fn holds(event: &StoredEvent, expected: &Expected) -> bool {
    event.sequence == expected.sequence
        && event.previous_hash == expected.previous_hash
        && payload_holds(event)
        && link_holds(event)
}

/// Whether the event's hash covers its place, its payload hash and the hash before it.
pub fn link_holds(event: &StoredEvent) -> bool {
    let link = ChainLink {
        organization_id: event.organization_id,
        sequence: event.sequence,
        event_id: event.event_id,
        timestamp: event.timestamp,
        payload_hash: &event.payload_hash,
        previous_hash: &event.previous_hash,
    };
    chain_hash(&link).as_slice() == event.hash
}

/// Whether the payload is the one that was hashed, or was erased whole. What happened and how it ended stays readable in an
/// erased event; it is then a label that nothing proves.
pub fn payload_holds(event: &StoredEvent) -> bool {
    if event.is_erased() {
        return event.agent_id.is_none()
            && event.ip_address.is_empty()
            && event.user_agent.is_empty()
            && event.metadata == "{}";
    }
    let payload = Payload {
        agent_id: event.agent_id,
        action: &event.action,
        outcome: event.outcome.as_str(),
        ip_address: &event.ip_address,
        user_agent: &event.user_agent,
        metadata: &event.metadata,
    };
    payload_hash(&event.salt, &payload).as_slice() == event.payload_hash
}

//! Placing events in their chains: sequence, time and hash, from the ends that a backend read inside its transaction.
//!
//! The ends of the chains are read once a batch, never kept between batches: another process may have written.
//! Refuses: SQL.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use crate::{
    audit::{ChainLink, SealedEvent, chain_hash},
    clock::Timestamp,
};

/// An event with its place.
pub(super) struct Placed<'a> {
    pub event: &'a SealedEvent,
    pub sequence: i64,
    pub timestamp: Timestamp,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// The end of a chain.
#[derive(Clone, Default)]
pub(super) struct End {
    pub sequence: i64,
    pub hash: Vec<u8>,
    pub timestamp: Option<Timestamp>,
}

/// Whose chains these events join, each once and in order: locks that are taken in this order never wait in a circle.
pub(super) fn organizations(events: &[Arc<SealedEvent>]) -> Vec<Uuid> {
    let mut organizations: Vec<Uuid> = events.iter().map(|event| event.organization_id).collect();
    organizations.sort_unstable();
    organizations.dedup();
    organizations
}

/// Places events in the given order and moves the ends. Times never go back along a chain, whatever the clock does.
pub(super) fn place<'a>(
    events: &'a [Arc<SealedEvent>],
    ends: &mut HashMap<Uuid, End>,
    now: Timestamp,
) -> Vec<Placed<'a>> {
    events
        .iter()
        .map(|event| place_one(event, ends.entry(event.organization_id).or_default(), now))
        .collect()
}

fn place_one<'a>(event: &'a SealedEvent, end: &mut End, now: Timestamp) -> Placed<'a> {
    let sequence = end.sequence + 1;
    let timestamp = end.timestamp.map_or(now, |last| last.max(now));
    let hash = chain_hash(&ChainLink {
        organization_id: event.organization_id,
        sequence,
        event_id: event.event_id,
        timestamp,
        payload_hash: &event.payload_hash,
        previous_hash: &end.hash,
    })
    .to_vec();
    let previous_hash = std::mem::replace(&mut end.hash, hash.clone());
    end.sequence = sequence;
    end.timestamp = Some(timestamp);
    Placed {
        event,
        sequence,
        timestamp,
        previous_hash,
        hash,
    }
}

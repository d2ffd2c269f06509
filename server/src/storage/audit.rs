//! Audit events as stored, appending, and reading back.
//!
//! A chain per organization: the store gives each event its sequence (from 1, without gaps), its timestamp (never before
//! the one of the event before it) and its hashes, in the transaction that writes it. Refuses: what an event says.

use async_trait::async_trait;

use uuid::Uuid;

use super::{Reach, StorageResult};
use crate::{
    audit::{AuditAction, AuditOutcome, NewEvent},
    clock::Timestamp,
};

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Orders events of all organizations, newest highest.
    pub position: AuditPosition,
    /// Its id.
    pub event_id: Uuid,
    /// Its place in its organization's chain, from 1.
    pub sequence: i64,
    /// Whose chain.
    pub organization_id: Uuid,
    /// Whom it is about.
    pub agent_id: Option<Uuid>,
    /// What happened.
    pub action: String,
    /// Whether it succeeded.
    pub outcome: AuditOutcome,
    /// From where.
    pub ip_address: String,
    /// With what.
    pub user_agent: String,
    /// More, as canonical JSON of an object.
    pub metadata: String,
    /// When it was written.
    pub timestamp: Timestamp,
    /// Random, hashed as lower-case hex before the payload.
    pub salt: Vec<u8>,
    /// SHA-256 of salt and payload.
    pub payload_hash: Vec<u8>,
    /// The hash of the event before it; empty for the first.
    pub previous_hash: Vec<u8>,
    /// SHA-256 that ties it to the chain.
    pub hash: Vec<u8>,
}

impl StoredEvent {
    /// Whether its payload was erased: then its hash stands for it, and nothing of it may be left.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.salt.is_empty()
    }
}

/// Orders events of all organizations.
pub type AuditPosition = i64;

/// Which events a query shows. Every given part must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// About this agent.
    pub agent: Option<Uuid>,
    /// This action.
    pub action: Option<AuditAction>,
    /// This outcome.
    pub outcome: Option<AuditOutcome>,
    /// Written at or after this.
    pub from: Option<Timestamp>,
    /// Written before this.
    pub to: Option<Timestamp>,
}

/// Asks for a page of events.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// What the caller sees.
    pub reach: Reach,
    /// Which events.
    pub filter: AuditFilter,
    /// Only events before this position: how a cursor goes on. The total does not care.
    pub before: Option<AuditPosition>,
    /// How many events to skip: how a page number goes on.
    pub offset: u64,
    /// How many events to answer at most.
    pub limit: u32,
    /// How far to count.
    pub count_max: u64,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Newest first.
    pub events: Vec<StoredEvent>,
    /// All that pass the filter, counted to `count_max` at most.
    pub total: u64,
    /// Whether `total` is all.
    pub total_is_exact: bool,
    /// Where the next page begins, when there is more.
    pub next: Option<AuditPosition>,
}

/// The end of a chain, kept apart from the events: a log that lost its newest ones does not match it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// How many events the chain has had.
    pub sequence: i64,
    /// The hash of the newest.
    pub hash: Vec<u8>,
    /// When it was written.
    pub timestamp: Timestamp,
}

/// The audit log.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Appends an event and returns when it survives the process being killed. Shares its commit with others that wait.
    async fn append(&self, event: NewEvent) -> StorageResult<()>;
    /// Queues an event and returns; it is written soon, and by [`super::Storage::close`]. A full queue makes the caller wait.
    async fn append_later(&self, event: NewEvent) -> StorageResult<()>;
    /// Events within reach, newest first.
    async fn query(&self, query: AuditQuery) -> StorageResult<AuditPage>;
    /// An event within reach.
    async fn get(&self, reach: Reach, event: Uuid) -> StorageResult<Option<StoredEvent>>;
    /// A chain's events from a sequence on, oldest first, at most `limit`.
    async fn chain(
        &self,
        organization: Uuid,
        from_sequence: i64,
        limit: u32,
    ) -> StorageResult<Vec<StoredEvent>>;
    /// The sequence of the first event written at or after an instant; `None` when there is none.
    async fn first_sequence_from(
        &self,
        organization: Uuid,
        from: Timestamp,
    ) -> StorageResult<Option<i64>>;
    /// The end of a chain; `None` when it has no event.
    async fn head(&self, organization: Uuid) -> StorageResult<Option<ChainHead>>;
    /// The organizations whose chains have events, ordered by id, and where each chain ends.
    async fn chains(&self) -> StorageResult<Vec<(Uuid, ChainHead)>>;
}

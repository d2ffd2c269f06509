//! Erasing what the store holds of a person: the one change that an audit event may undergo.
//!
//! Refuses: erasing an agent that still lives, and anything that would break a chain.

use async_trait::async_trait;
use uuid::Uuid;

use super::{StorageResult, words::email_key};
use crate::{audit::NewEvent, clock::Timestamp};

/// Erasing. Both halves may be repeated, and find nothing to do the second time.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Erases the payloads of the events between two sequences of one organization's chain, both included, that are about the
    /// agent or about what it did to others (`metadata.actorId`). Their hashes stay, so that the chain still verifies.
    /// Answers how many.
    ///
    /// # Errors
    /// `NotFound` when there is no decommissioned agent of this id.
    async fn erase_events(
        &self,
        agent: Uuid,
        organization: Uuid,
        first: i64,
        last: i64,
    ) -> StorageResult<u64>;
    /// Replaces what the agent's own record says of people: e-mail address and owner. The events are written when something
    /// changes. Answers whether it did.
    ///
    /// # Errors
    /// `NotFound` when there is no decommissioned agent of this id.
    async fn erase_agent(
        &self,
        agent: Uuid,
        at: Timestamp,
        events: Vec<NewEvent>,
    ) -> StorageResult<bool>;
}

/// What stands for the e-mail address of an erased agent: an address that nobody can have (RFC 2606), unique as addresses
/// must be, and made of nothing but the agent's id.
pub(super) fn erased_email(agent: Uuid) -> String {
    format!("erased-{}{ERASED_DOMAIN}", agent.simple())
}

/// Whether an address may stand for an erased agent. A living one that had it would hold up the erasure.
pub fn is_erased_email(email: &str) -> bool {
    email_key(email).ends_with(ERASED_DOMAIN)
}

const ERASED_DOMAIN: &str = "@erased.invalid";

/// What stands for its owner.
pub(super) const ERASED_OWNER: &str = "erased";

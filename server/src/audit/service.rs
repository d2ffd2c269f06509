//! Section audit: the log as its readers see it.
//!
//! Owns the wire form of an event. Refuses the rules of reading (`reading`), recording and hashing.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use uuid::Uuid;

use super::{AuditAction, Question, Reading, cursor, to_hex};
use crate::{
    call::{Call, Caller},
    clock::Clock,
    error::ApiError,
    generated::{audit::Audit, types},
    http::{Reply, Unchecked},
    storage::{Storage, StoredEvent},
    wire::DateOrTimestamp,
};

/// The section.
pub struct Service {
    reading: Reading,
}

impl Service {
    /// Over that store; events older than `retention` do not show.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, retention: Duration) -> Self {
        Self {
            reading: Reading::new(storage, clock, retention),
        }
    }
}

impl Audit for Service {
    async fn query_audit_log(
        &self,
        _call: &Call,
        caller: &Caller,
        input: Unchecked<types::QueryAuditLogParams>,
    ) -> Result<Reply<types::PaginatedAuditEvents>, ApiError> {
        let asked = input.check()?;
        let (page, limit) = (asked.page.unwrap_or(1), asked.limit);
        let found = self.reading.query(caller.reach(), question(asked)).await?;
        let data = found
            .events
            .into_iter()
            .map(event_answer)
            .collect::<Result<_, _>>()?;
        Ok(types::PaginatedAuditEvents {
            data,
            total: i64::try_from(found.total).unwrap_or(i64::MAX),
            total_is_exact: found.total_is_exact,
            page,
            limit,
            next_cursor: found.next.map(cursor),
        }
        .into())
    }

    async fn verify_audit_chain(
        &self,
        _call: &Call,
        caller: &Caller,
        input: Unchecked<types::VerifyAuditChainParams>,
    ) -> Result<Reply<types::AuditChainVerification>, ApiError> {
        let asked = input.check()?;
        let found = self
            .reading
            .verify(caller.organization_id, asked.from_date, asked.to_date)
            .await?;
        Ok(types::AuditChainVerification {
            verified: found.verified,
            checked_count: i64::try_from(found.checked_count).unwrap_or(i64::MAX),
            broken_at_event_id: found.broken_at,
            from_date: asked.from_date.map(text),
            to_date: asked.to_date.map(text),
        }
        .into())
    }

    async fn get_audit_event(
        &self,
        _call: &Call,
        caller: &Caller,
        event_id: Uuid,
        input: Unchecked<()>,
    ) -> Result<Reply<types::AuditEvent>, ApiError> {
        let found = self.reading.get(caller.reach(), event_id).await?;
        input.check()?;
        Ok(event_answer(found)?.into())
    }
}

fn question(asked: types::QueryAuditLogParams) -> Question {
    Question {
        agent: asked.agent_id,
        action: asked.action,
        outcome: asked.outcome,
        from: asked.from_date,
        to: asked.to_date,
        page: asked
            .page
            .map(|page| u32::try_from(page).unwrap_or(u32::MAX)),
        limit: u32::try_from(asked.limit).unwrap_or(1),
        cursor: asked.cursor,
    }
}

/// An event as it is answered. What is stored and cannot be shown is a fault of the store.
///
/// # Errors
/// `INTERNAL_SERVER_ERROR` for an event that this version does not know.
pub fn event_answer(stored: StoredEvent) -> Result<types::AuditEvent, ApiError> {
    let action = AuditAction::parse(&stored.action)
        .ok_or_else(|| ApiError::internal(format!("unknown action {}", stored.action)))?;
    let metadata: std::collections::BTreeMap<String, Value> =
        serde_json::from_str(&stored.metadata).map_err(ApiError::internal)?;
    Ok(types::AuditEvent {
        event_id: stored.event_id,
        sequence: stored.sequence,
        organization_id: stored.organization_id,
        agent_id: stored.agent_id,
        action,
        outcome: stored.outcome,
        ip_address: stored.ip_address,
        user_agent: stored.user_agent,
        metadata,
        timestamp: stored.timestamp,
        salt: to_hex(&stored.salt),
        payload_hash: to_hex(&stored.payload_hash),
        previous_hash: to_hex(&stored.previous_hash),
        hash: to_hex(&stored.hash),
    })
}

/// As it was asked for: a date without a time stays one.
fn text(asked: DateOrTimestamp) -> String {
    match asked {
        DateOrTimestamp::Moment(at) => at.to_string(),
        DateOrTimestamp::Date(midnight) => {
            let mut text = midnight.to_string();
            text.truncate("2026-03-28".len());
            text
        }
    }
}

//! An event on its way into the log: as a section states it, and as it is once salted and hashed.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{AuditAction, AuditOutcome, Payload, canonical::write_object, payload_hash};
use crate::call::{Call, Caller};

/// An event to record. It must never hold a secret or a token.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Whose chain it joins.
    pub organization_id: Uuid,
    /// Whom it is about.
    pub agent_id: Option<Uuid>,
    /// What happened.
    pub action: AuditAction,
    /// Whether it succeeded.
    pub outcome: AuditOutcome,
    /// From where; empty when nobody called.
    pub ip_address: String,
    /// With what; empty when not said.
    pub user_agent: String,
    /// More facts.
    pub metadata: Map<String, Value>,
}

impl NewEvent {
    /// What a caller did to an agent of `organization_id`, itself or another: then `metadata.actorId` says who did it.
    pub fn of(
        call: &Call,
        caller: &Caller,
        organization_id: Uuid,
        about: Uuid,
        action: AuditAction,
    ) -> Self {
        let event = Self::about(call, organization_id, Some(about), action);
        if about == caller.agent_id {
            event
        } else {
            event.with("actorId", caller.agent_id.to_string())
        }
    }

    /// What happened in a call whose caller is unknown or beside the point.
    pub fn about(
        call: &Call,
        organization_id: Uuid,
        agent_id: Option<Uuid>,
        action: AuditAction,
    ) -> Self {
        Self {
            organization_id,
            agent_id,
            action,
            outcome: AuditOutcome::Success,
            ip_address: call.ip_address.clone(),
            user_agent: call.user_agent.clone(),
            metadata: Map::new(),
        }
    }

    /// What the server did by itself.
    pub fn of_server(organization_id: Uuid, agent_id: Option<Uuid>, action: AuditAction) -> Self {
        Self {
            organization_id,
            agent_id,
            action,
            outcome: AuditOutcome::Success,
            ip_address: String::new(),
            user_agent: String::new(),
            metadata: Map::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }

    /// It failed.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.outcome = AuditOutcome::Failure;
        self
    }

    /// Gives it its id, salts it and hashes its payload: the costly half of an event, done on the caller's thread.
    pub fn seal(self, randomness: &dyn Randomness) -> SealedEvent {
        let mut metadata = String::with_capacity(64);
        write_object(&mut metadata, &self.metadata);
        let salt = randomness.salt();
        let payload = Payload {
            agent_id: self.agent_id,
            action: self.action.as_str(),
            outcome: self.outcome.as_str(),
            ip_address: &self.ip_address,
            user_agent: &self.user_agent,
            metadata: &metadata,
        };
        SealedEvent {
            payload_hash: payload_hash(&salt, &payload),
            event_id: randomness.event_id(),
            organization_id: self.organization_id,
            agent_id: self.agent_id,
            action: self.action,
            outcome: self.outcome,
            ip_address: self.ip_address,
            user_agent: self.user_agent,
            metadata,
            salt,
        }
    }
}

/// An event that only lacks its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEvent {
    /// Its id.
    pub event_id: Uuid,
    /// Whose chain it joins.
    pub organization_id: Uuid,
    /// Whom it is about.
    pub agent_id: Option<Uuid>,
    /// What happened.
    pub action: AuditAction,
    /// Whether it succeeded.
    pub outcome: AuditOutcome,
    /// From where.
    pub ip_address: String,
    /// With what.
    pub user_agent: String,
    /// More facts, as canonical JSON of an object.
    pub metadata: String,
    /// Hashed before the payload, so that a payload cannot be guessed from its hash once it is erased.
    pub salt: [u8; 16],
    /// SHA-256 of salt and payload.
    pub payload_hash: [u8; 32],
}

/// Where ids and salts come from.
pub trait Randomness: Send + Sync {
    /// An id, ordered by time (UUID version 7).
    fn event_id(&self) -> Uuid;
    /// 16 random bytes.
    fn salt(&self) -> [u8; 16];
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn event_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn salt(&self) -> [u8; 16] {
        // 122 bits of the system's generator; the fixed version bits do no harm in a salt.
        Uuid::new_v4().into_bytes()
    }
}

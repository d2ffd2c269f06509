//! The audit chain, checked offline: does a run of events hang together, and is each what was written?
//!
//! Format 1: `payloadHash` = SHA-256(salt + JSON of {agentId, action, outcome, ipAddress, userAgent,
//! metadata}); `hash` = SHA-256(JSON of {v, organizationId, sequence, eventId, timestamp, payloadHash,
//! previousHash}); JSON is RFC 8785, salt and hashes are lower-case hex text, the first `previousHash`
//! is empty.
//!
//! Owns: [`verify_audit_events`]. Refuses: asking the server; its word is what is being checked.

mod canonical;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    Error,
    models::AuditEvent,
    wire::{Ref, parse_time},
};

/// The format that this code knows.
const FORMAT: u32 = 1;
const PAYLOAD: [&str; 6] = [
    "agentId",
    "action",
    "outcome",
    "ipAddress",
    "userAgent",
    "metadata",
];

/// What checking found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChainVerification {
    /// Every event is what was written, and none is missing between the first and the last.
    pub verified: bool,
    /// Events that were checked, the broken one included.
    pub checked_count: usize,
    /// The first event that is not what was written, or follows one that is missing.
    pub broken_at_event_id: Option<String>,
}

/// Checks a run of one organization's events, in any order, without asking the server.
///
/// Needed is a run without gaps; it need not begin with the first event, but whether anything stood
/// before its first event can then not be told. An event whose payload was erased (no salt, no payload,
/// its `payloadHash` kept) still proves its place.
///
/// # Errors
/// Kind [`Validation`](crate::ErrorKind::Validation) when the events are of more than one organization.
pub fn verify_audit_events(events: &[AuditEvent]) -> Result<ChainVerification, Error> {
    let wire: Result<Vec<Value>, _> = events.iter().map(serde_json::to_value).collect();
    check(wire.map_err(|e| Error::argument("events", &e.to_string()))?)
}

/// As [`verify_audit_events`], for the JSON of a list of events.
#[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings have JSON
pub(crate) fn verify_json(events: &[u8]) -> Result<ChainVerification, Error> {
    let events: Vec<Value> = serde_json::from_slice(events)
        .map_err(|_| Error::argument("events", "is no JSON list of audit events"))?;
    check(events)
}

fn check(events: Vec<Value>) -> Result<ChainVerification, Error> {
    let mut links = events
        .into_iter()
        .map(Link::read)
        .collect::<Result<Vec<_>, _>>()?;
    if let [first, rest @ ..] = links.as_slice()
        && rest.iter().any(|l| l.organization != first.organization)
    {
        return Err(Error::argument(
            "events",
            "are of more than one organization, which have a chain each",
        ));
    }
    links.sort_by_key(|link| link.sequence);
    // Pages that overlap bring an event twice; two different ones in one place are a break.
    links.dedup_by(|a, b| a.event == b.event);
    let mut before: Option<&Link> = None;
    for (index, link) in links.iter().enumerate() {
        if !(link.follows(before) && link.payload_holds() && link.hash_holds()) {
            return Ok(ChainVerification {
                verified: false,
                checked_count: index + 1,
                broken_at_event_id: Some(link.id.clone()),
            });
        }
        before = Some(link);
    }
    Ok(ChainVerification {
        verified: true,
        checked_count: links.len(),
        broken_at_event_id: None,
    })
}

/// An event as a part of the chain.
struct Link {
    id: String,
    organization: String,
    sequence: i64,
    event: Map<String, Value>,
}

impl Link {
    fn read(event: Value) -> Result<Self, Error> {
        let fault = || Error::argument("events", "hold something that is no audit event");
        let Value::Object(event) = event else {
            return Err(fault());
        };
        let text = |name| event.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            id: text("eventId").ok_or_else(fault)?,
            organization: text("organizationId").ok_or_else(fault)?,
            sequence: event
                .get("sequence")
                .and_then(Value::as_i64)
                .ok_or_else(fault)?,
            event,
        })
    }

    fn text(&self, name: &str) -> &str {
        self.event.get(name).and_then(Value::as_str).unwrap_or("")
    }

    fn follows(&self, before: Option<&Self>) -> bool {
        match before {
            Some(before) => {
                before.sequence.checked_add(1) == Some(self.sequence)
                    && self.text("previousHash") == before.text("hash")
            }
            None if self.sequence == 1 => self.text("previousHash").is_empty(),
            // What stood before is not here.
            None => self.sequence > 1 && !self.text("previousHash").is_empty(),
        }
    }

    fn payload_holds(&self) -> bool {
        let salt = self.text("salt");
        if salt.is_empty() {
            // Erased: only when nothing is left that would need a proof. What happened and how it ended
            // may stay readable; they are then a label, not a fact.
            return ["agentId", "ipAddress", "userAgent", "metadata"]
                .iter()
                .all(|name| is_nothing(self.event.get(*name)));
        }
        let payload: Map<String, Value> = PAYLOAD
            .iter()
            .map(|name| {
                let value = self.event.get(*name).cloned().unwrap_or(Value::Null);
                ((*name).to_owned(), value)
            })
            .collect();
        let mut text = salt.to_owned();
        canonical::write(&mut text, &Value::Object(payload));
        sha256_hex(&text) == self.text("payloadHash")
    }

    fn hash_holds(&self) -> bool {
        // A language may have written it otherwise: the same moment in the form of the format.
        let timestamp = parse_time(self.text("timestamp"));
        let Some(Ok(timestamp)) = timestamp.map(|t| serde_json::to_value(Ref(&t))) else {
            return false;
        };
        let link = json!({
            "v": FORMAT,
            "organizationId": self.organization,
            "sequence": self.sequence,
            "eventId": self.id,
            "timestamp": timestamp,
            "payloadHash": self.text("payloadHash"),
            "previousHash": self.text("previousHash"),
        });
        let mut text = String::new();
        canonical::write(&mut text, &link);
        sha256_hex(&text) == self.text("hash")
    }
}

fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    }
}

fn sha256_hex(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

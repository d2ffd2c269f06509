//! Audit format 1: which bytes an event's two hashes are made of. Pure functions.
//!
//! `payloadHash` = SHA-256(salt + JSON of {agentId, action, outcome, ipAddress, userAgent, metadata});
//! `hash` = SHA-256(JSON of {v, organizationId, sequence, eventId, timestamp, payloadHash, previousHash}).
//! JSON is RFC 8785; salt and hashes are lower-case hex text; the first `previousHash` is empty. A change of any of this
//! is another format with another `v`: what is written stays verifiable.

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;
use uuid::Uuid;

use super::canonical::write_string;
use crate::clock::Timestamp;

/// The `v` of the chain hash.
pub const FORMAT_VERSION: u32 = 1;

/// What the payload hash covers.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    /// Whom the event is about.
    pub agent_id: Option<Uuid>,
    /// What happened.
    pub action: &'a str,
    /// Whether it succeeded.
    pub outcome: &'a str,
    /// From where.
    pub ip_address: &'a str,
    /// With what.
    pub user_agent: &'a str,
    /// Canonical JSON of an object.
    pub metadata: &'a str,
}

/// What the chain hash covers.
#[derive(Clone, Copy, Debug)]
pub struct ChainLink<'a> {
    /// Whose chain.
    pub organization_id: Uuid,
    /// The place in it, from 1.
    pub sequence: i64,
    /// The event's id.
    pub event_id: Uuid,
    /// When it was written.
    pub timestamp: Timestamp,
    /// The payload hash.
    pub payload_hash: &'a [u8],
    /// The chain hash of the event before; empty for the first.
    pub previous_hash: &'a [u8],
}

/// SHA-256 of salt and payload.
pub fn payload_hash(salt: &[u8], payload: &Payload<'_>) -> [u8; 32] {
    let mut text = String::with_capacity(256 + payload.metadata.len());
    push_hex(&mut text, salt);
    text.push_str("{\"action\":");
    write_string(&mut text, payload.action);
    text.push_str(",\"agentId\":");
    match payload.agent_id {
        // Writing to a String cannot fail.
        Some(id) => drop(write!(text, "\"{}\"", id.as_hyphenated())),
        None => text.push_str("null"),
    }
    text.push_str(",\"ipAddress\":");
    write_string(&mut text, payload.ip_address);
    text.push_str(",\"metadata\":");
    text.push_str(payload.metadata);
    text.push_str(",\"outcome\":");
    write_string(&mut text, payload.outcome);
    text.push_str(",\"userAgent\":");
    write_string(&mut text, payload.user_agent);
    text.push('}');
    sha256(text.as_bytes())
}

/// SHA-256 that ties an event to the one before it. Written by hand in the fixed order of its keys: the writer does
/// nothing else for most of its time.
pub fn chain_hash(link: &ChainLink<'_>) -> [u8; 32] {
    let mut text = String::with_capacity(352);
    let _ = write!(
        text,
        "{{\"eventId\":\"{}\",\"organizationId\":\"{}\",\"payloadHash\":\"",
        link.event_id.as_hyphenated(),
        link.organization_id.as_hyphenated()
    );
    push_hex(&mut text, link.payload_hash);
    text.push_str("\",\"previousHash\":\"");
    push_hex(&mut text, link.previous_hash);
    let _ = write!(
        text,
        "\",\"sequence\":{},\"timestamp\":\"{}\",\"v\":{FORMAT_VERSION}}}",
        link.sequence, link.timestamp
    );
    sha256(text.as_bytes())
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::canonical_json;

    const ORGANIZATION: Uuid = Uuid::from_u128(0x0192_f8c4_7d1e_7c3a_9f5b_2f6f_1d0c_8a00);
    const EVENT: Uuid = Uuid::from_u128(0x0192_f8c4_bbbb_7c3a_9f5b_2f6f_1d0c_8a11);

    #[test]
    fn the_payload_hash_covers_salt_and_canonical_json() {
        let payload = Payload {
            agent_id: Some(EVENT),
            action: "token.issued",
            outcome: "success",
            ip_address: "127.0.0.1",
            user_agent: "a \"quoted\"\u{1} agent",
            metadata: r#"{"scope":"agents:read"}"#,
        };
        let oracle = canonical_json(&json!({
            "agentId": EVENT, "action": "token.issued", "outcome": "success", "ipAddress": "127.0.0.1",
            "userAgent": "a \"quoted\"\u{1} agent", "metadata": {"scope": "agents:read"},
        }));
        let salt = [0xab; 16];
        assert_eq!(
            payload_hash(&salt, &payload),
            sha256(format!("{}{oracle}", "ab".repeat(16)).as_bytes())
        );
    }

    #[test]
    fn an_event_about_nobody_has_a_null_agent() {
        let payload = Payload {
            agent_id: None,
            action: "auth.failed",
            outcome: "failure",
            ip_address: "",
            user_agent: "",
            metadata: "{}",
        };
        let text = r#"{"action":"auth.failed","agentId":null,"ipAddress":"","metadata":{},"outcome":"failure","userAgent":""}"#;
        assert_eq!(payload_hash(&[], &payload), sha256(text.as_bytes()));
    }

    #[test]
    fn the_chain_hash_covers_canonical_json() {
        let link = ChainLink {
            organization_id: ORGANIZATION,
            sequence: 42,
            event_id: EVENT,
            timestamp: Timestamp::from_ms(1_774_688_400_000),
            payload_hash: &[1; 32],
            previous_hash: &[],
        };
        let oracle = canonical_json(&json!({
            "v": 1, "organizationId": ORGANIZATION, "sequence": 42, "eventId": EVENT, "timestamp": "2026-03-28T09:00:00.000Z",
            "payloadHash": "01".repeat(32), "previousHash": "",
        }));
        assert_eq!(chain_hash(&link), sha256(oracle.as_bytes()));
    }

    /// Computed apart, with Python's hashlib and json (sort_keys, no spaces): the format must never drift.
    #[test]
    fn known_vectors() {
        let payload = Payload {
            agent_id: Some(EVENT),
            action: "token.issued",
            outcome: "success",
            ip_address: "127.0.0.1",
            user_agent: "curl/8",
            metadata: r#"{"scope":"agents:read"}"#,
        };
        let payload_hash = payload_hash(&[0x5a; 16], &payload);
        assert_eq!(
            to_hex(&payload_hash),
            "8c432a4875a98b5aec6d7b95516fe2fdca215d9a4998b4c6d712671bbf0c23c4"
        );
        let link = ChainLink {
            organization_id: ORGANIZATION,
            sequence: 2,
            event_id: EVENT,
            timestamp: Timestamp::from_ms(1_774_688_400_123),
            payload_hash: &payload_hash,
            previous_hash: &[0xff; 32],
        };
        assert_eq!(
            to_hex(&chain_hash(&link)),
            "6588f106e9dc130134fab533f02f1de1d212df6606d853be15a4af8abbfb30db"
        );
    }
}

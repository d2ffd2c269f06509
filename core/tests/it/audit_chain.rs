//! The audit chain, checked offline, against hashes that were computed apart.

use sentryagent_idp::{ErrorKind, models::AuditEvent, verify_audit_events};
use serde_json::{Value, json};

/// Four events of one chain, made with Python's hashlib and json (sorted keys, no spaces), so that no code
/// of this repository made them. The third one's payload was erased.
const CHAIN: &str = include_str!("audit_chain.json");

fn chain() -> Vec<Value> {
    serde_json::from_str(CHAIN).expect("JSON")
}

/// Verified, how many were checked, and the sequence of the broken one.
fn check(events: &[Value]) -> (bool, usize, Option<i64>) {
    let typed: Vec<AuditEvent> = events
        .iter()
        .map(|e| serde_json::from_value(e.clone()).expect("an event"))
        .collect();
    let found = verify_audit_events(&typed).expect("an answer");
    let broken = found.broken_at_event_id.map(|id| {
        let event = typed.iter().find(|e| e.event_id == id);
        event.expect("one of them").sequence
    });
    (found.verified, found.checked_count, broken)
}

#[test]
fn a_whole_chain_holds_in_any_order() {
    let mut events = chain();
    assert_eq!(check(&events), (true, 4, None));
    events.reverse();
    assert_eq!(check(&events), (true, 4, None));
    // Pages that overlap bring an event twice.
    events.push(chain().remove(2));
    assert_eq!(check(&events), (true, 4, None));
    assert_eq!(check(&[]), (true, 0, None));
}

#[test]
fn a_run_from_the_middle_holds() {
    assert_eq!(check(&chain()[1..]), (true, 3, None));
    assert_eq!(check(&chain()[1..2]), (true, 1, None));
}

#[test]
fn every_change_shows_at_its_event() {
    let changes = [
        ("action", json!("agent.deleted")),
        ("outcome", json!("failure")),
        ("ipAddress", json!("127.0.0.2")),
        ("userAgent", json!("")),
        ("agentId", json!(null)),
        ("metadata", json!({})),
        ("metadata", json!({"scope": "agents:write"})),
        ("salt", json!("00")),
        ("salt", json!("")),
        ("payloadHash", json!("00")),
        ("timestamp", json!("2026-03-28T09:00:00.124Z")),
        ("eventId", json!("0192f8c4-0000-7c3a-9f5b-2f6f1d0c8a11")),
        ("previousHash", json!("")),
        ("hash", json!("00")),
    ];
    for (field, value) in changes {
        let mut events = chain();
        events[1][field] = value;
        assert_eq!(check(&events), (false, 2, Some(2)), "{field}");
    }
}

#[test]
fn missing_events_show_at_the_next() {
    let mut events = chain();
    events.remove(1);
    assert_eq!(check(&events), (false, 2, Some(3)));
    // A first event that follows something is not first; a later one that follows nothing is forged.
    let mut first = chain();
    first[0]["previousHash"] = json!("00");
    assert_eq!(check(&first), (false, 1, Some(1)));
    let mut later = chain().split_off(1);
    later[0]["previousHash"] = json!("");
    assert_eq!(check(&later), (false, 1, Some(2)));
    // Two events in one place.
    let mut fork = chain();
    let mut twin = fork[1].clone();
    twin["eventId"] = json!("0192f8c4-0000-7c3a-9f5b-2f6f1d0c8a11");
    fork.push(twin);
    assert!(!check(&fork).0);
}

#[test]
fn an_erased_payload_still_proves_its_place() {
    let events = chain();
    assert_eq!(
        (&events[2]["salt"], &events[2]["metadata"]),
        (&json!(""), &json!({}))
    );
    // But nothing may be put where it was.
    for (field, value) in [
        ("metadata", json!({"scope": "agents:read"})),
        ("ipAddress", json!("127.0.0.1")),
        ("agentId", json!("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11")),
    ] {
        let mut events = chain();
        events[2][field] = value;
        assert_eq!(check(&events), (false, 3, Some(3)), "{field}");
    }
}

#[test]
fn two_organizations_are_no_chain() {
    let mut events: Vec<AuditEvent> = chain()
        .into_iter()
        .map(|e| serde_json::from_value(e).expect("an event"))
        .collect();
    events[1].organization_id = "another".into();
    let error = verify_audit_events(&events).expect_err("two");
    assert_eq!(error.kind(), ErrorKind::Validation);
}

#[cfg(feature = "bridge")]
#[test]
fn bindings_have_it_as_json() {
    use sentryagent_idp::bridge::verify_audit_events;
    let told = verify_audit_events(CHAIN.as_bytes()).expect("an answer");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    assert_eq!(
        told,
        json!({"verified": true, "checkedCount": 4, "brokenAtEventId": null})
    );
    // The same moments, as a language may write them.
    let other = CHAIN
        .replace(".000Z\"", "Z\"")
        .replace(".123Z\"", ".123000+00:00\"");
    assert_ne!(other, CHAIN);
    let told = verify_audit_events(other.as_bytes()).expect("an answer");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    assert_eq!(told["verified"], true);
    for nonsense in ["", "{}", "[1]", "[{}]"] {
        let error = verify_audit_events(nonsense.as_bytes()).expect_err("no list");
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
}

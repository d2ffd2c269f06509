//! Models: reading, writing, what is kept and what is refused.

use sentryagent_idp::models::{Agent, AgentStatus, IssueTokenRequest, TokenResponse};
use serde_json::{Value, json};

use crate::support::agent;

fn read(value: Value) -> Result<Agent, serde_json::Error> {
    serde_json::from_value(value)
}

#[test]
fn what_is_read_is_written_again() {
    let mut value = agent();
    value["shoeSize"] = json!({"eu": [43]});
    value["status"] = json!("dreaming");
    let agent = read(value.clone()).expect("an agent");
    assert_eq!(agent.status, AgentStatus::Unknown("dreaming".into()));
    assert_eq!(agent.extra["shoeSize"], json!({"eu": [43]}));
    assert_eq!(serde_json::to_value(&agent).expect("JSON"), value);
    assert_eq!(
        read(serde_json::to_value(&agent).expect("JSON")).expect("an agent"),
        agent
    );
}

#[test]
fn times_are_written_in_utc_with_milliseconds() {
    let mut value = agent();
    value["createdAt"] = json!("2026-03-28T11:00:00.123456+02:00");
    let written = serde_json::to_value(read(value).expect("an agent")).expect("JSON");
    assert_eq!(written["createdAt"], "2026-03-28T09:00:00.123Z");
}

#[test]
fn a_time_that_utc_or_another_language_does_not_have_is_refused() {
    let mut value = agent();
    for wrong in [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "0000-06-01T00:00:00Z",
    ] {
        value["createdAt"] = json!(wrong);
        assert!(read(value.clone()).is_err(), "{wrong}");
    }
    for right in ["9999-12-31T23:59:59.000Z", "0001-01-01T00:00:00.000Z"] {
        value["createdAt"] = json!(right);
        let written = serde_json::to_value(read(value.clone()).expect("an agent")).expect("JSON");
        assert_eq!(written["createdAt"], right);
    }
}

#[test]
fn a_missing_a_null_and_a_wrong_field_are_refused() {
    let mut missing = agent();
    missing.as_object_mut().expect("an object").remove("did");
    assert!(
        read(missing)
            .expect_err("did is missing")
            .to_string()
            .contains("did")
    );
    for (field, wrong) in [
        ("email", json!(null)),
        ("capabilities", json!("resume:read")),
        ("isPublic", json!("no")),
        ("createdAt", json!("yesterday")),
        ("status", json!(1)),
    ] {
        let mut value = agent();
        value[field] = wrong;
        assert!(read(value).is_err(), "{field}");
    }
}

#[test]
fn an_optional_field_may_be_absent_or_null() {
    let value = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 1, "scope": "", "id_token": null});
    let token: TokenResponse = serde_json::from_value(value).expect("a token");
    assert_eq!(token.id_token, None);
    assert!(
        !serde_json::to_value(&token)
            .expect("JSON")
            .as_object()
            .expect("an object")
            .contains_key("id_token")
    );
}

#[test]
fn a_request_leaves_out_what_is_not_given() {
    assert_eq!(
        serde_json::to_value(IssueTokenRequest::new()).expect("JSON"),
        json!({})
    );
    let wrong = serde_json::from_value::<IssueTokenRequest>(json!({"scopes": "agents:read"}));
    assert!(wrong.expect_err("unknown").to_string().contains("scopes"));
}

#[test]
fn an_open_enum_knows_its_values() {
    assert!(AgentStatus::KNOWN.contains(&"active"));
    assert_eq!(AgentStatus::from("active"), AgentStatus::Active);
    assert_eq!(AgentStatus::from(String::from("odd")).as_str(), "odd");
    assert_eq!(AgentStatus::Suspended.to_string(), "suspended");
    assert_eq!(AgentStatus::Active, "active");
}

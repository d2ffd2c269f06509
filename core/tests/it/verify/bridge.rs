//! Verification as the bindings have it.

use std::time::Duration;

use sentryagent_idp::{
    ErrorKind,
    bridge::{BridgeClient, BridgeClock, BridgeVerifier, Channel, Decode},
};
use serde_json::{Value, json};

use super::issuer::{AUDIENCE, Fixture, Key, ed25519, header, signed, with};

const SOON: Duration = Duration::from_secs(20);

fn configuration(f: &Fixture) -> Value {
    json!({
        "issuer": f.server.uri(), "audience": ["other", AUDIENCE], "requiredScopes": ["agents:read"],
        "language": "python", "runtime": "CPython 3.11.7",
    })
}

fn verifier(config: &Value, clock: &BridgeClock) -> BridgeVerifier {
    let config = config.to_string();
    BridgeVerifier::from_json(config.as_bytes(), Some(clock), None).expect("a verifier")
}

/// A token that is good by the bridge's clock, which starts at the present.
fn token(f: &Fixture, key: &Key, clock: &BridgeClock) -> String {
    let now = (clock.wall_ms() / 1000.0).floor();
    let claims = with(with(f.claims(), "iat", now), "exp", now + 600.0);
    signed(&header(key), &claims, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_verified_on_the_runtime_and_then_inline() {
    let key = ed25519("ed-1");
    let (f, clock) = (Fixture::new(&key).await, BridgeClock::manual());
    let (verifier, token) = (
        verifier(&configuration(&f), &clock),
        token(&f, &key, &clock),
    );
    assert!(verifier.verify_now(&token, &[]).is_none());
    let channel = Channel::new(Decode::Check, || {});
    channel.start_verify(&verifier, 7, &token, &[]);
    assert!(channel.wait(SOON));
    let done = channel.drain(1, usize::MAX).remove(0);
    assert_eq!((done.id, channel.pending()), (7, 0));
    let body = done.result.expect("it holds").body;
    let inline = verifier
        .verify_now(&token, &[])
        .expect("at once")
        .expect("it holds");
    assert_eq!(body, inline);
    let record: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (&record["keyId"], &record["audience"]),
        (&json!("ed-1"), &json!([AUDIENCE]))
    );
    let more = ["agents:write".to_owned()];
    let error = verifier
        .verify_now(&token, &more)
        .expect("at once")
        .expect_err("a scope");
    assert_eq!(error.to_json()["kind"], "permission");
    clock.advance(661_000.0);
    let error = verifier
        .verify_now(&token, &[])
        .expect("at once")
        .expect_err("expired");
    assert_eq!(error.to_json()["details"]["reason"], "expired");
    let asked = f.server.received_requests().await.expect("requests");
    let agent = asked[0].headers["user-agent"].to_str().expect("text");
    assert!(agent.contains("(python CPython 3.11.7; "), "{agent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_client_is_said() {
    let key = ed25519("ed-1");
    let (f, clock) = (Fixture::new(&key).await, BridgeClock::manual());
    let client = json!({"baseUrl": f.server.uri(), "clientId": "a", "clientSecret": "b"});
    let client = BridgeClient::from_json(client.to_string().as_bytes()).expect("a client");
    let config = configuration(&f).to_string();
    let verifier = BridgeVerifier::from_json(config.as_bytes(), Some(&clock), Some(&client));
    let verifier = verifier.expect("a verifier");
    client.close();
    let told = verifier
        .verify_now("x", &[])
        .expect("at once")
        .expect_err("closed");
    assert_eq!(told.code(), "CLIENT_CLOSED");
    let channel = Channel::new(Decode::Check, || {});
    channel.start_verify(&verifier, 1, "x", &[]);
    let done = channel.drain(1, usize::MAX).remove(0);
    assert_eq!(done.result.expect_err("closed").code(), "CLIENT_CLOSED");
}

#[test]
fn a_wrong_configuration_is_named() {
    let issuer = "https://idp.example.com";
    for (config, named) in [
        (json!({}), "issuer"),
        (json!({"issuer": issuer}), "audience"),
        (json!({"issuer": issuer, "audience": []}), "audience"),
        (
            json!({"issuer": issuer, "audience": "a", "leewayMs": -1}),
            "leewayMs",
        ),
        (
            json!({"issuer": issuer, "audience": "a", "timeoutMs": 0}),
            "timeoutMs",
        ),
        (
            json!({"issuer": issuer, "audience": "a", "leeway": 1}),
            "leeway",
        ),
        (
            json!({"issuer": issuer, "audience": "a", "clientKey": "k"}),
            "client_certificate",
        ),
    ] {
        let made = BridgeVerifier::from_json(config.to_string().as_bytes(), None, None);
        let error = made.err().expect("wrong");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(named), "{config}: {error}");
    }
    let secret = json!({"issuer": issuer, "audience": "a", "proxy": ["http://u:hunter2@p"]});
    let made = BridgeVerifier::from_json(secret.to_string().as_bytes(), None, None);
    assert!(!format!("{:?}", made.err().expect("wrong")).contains("hunter2"));
    let zero = json!({"issuer": issuer, "audience": "a", "leewayMs": 0});
    assert!(BridgeVerifier::from_json(zero.to_string().as_bytes(), None, None).is_ok());
}

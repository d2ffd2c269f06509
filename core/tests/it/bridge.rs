//! What the bindings build on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sentryagent_idp::{
    ErrorKind,
    bridge::{BridgeClient, Channel, Completion, Decode, operations},
    models::Agent,
};
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{AGENT_ID, Fixture, SECRET, agent, agent_answer, failure};

const SOON: Duration = Duration::from_secs(20);

fn client(server: &MockServer) -> BridgeClient {
    let config = json!({
        "baseUrl": server.uri(), "clientId": "agent-1", "clientSecret": SECRET,
        "language": "python", "runtime": "CPython 3.11.7",
    });
    BridgeClient::from_json(config.to_string().as_bytes()).expect("a client")
}

fn index(id: &str) -> u32 {
    operations()
        .iter()
        .find(|o| o.id == id)
        .expect("an operation")
        .index
}

fn get_agent() -> Vec<u8> {
    json!({"path": {"agentId": AGENT_ID}})
        .to_string()
        .into_bytes()
}

/// Takes out exactly so many.
fn take(channel: &Arc<Channel>, count: usize) -> Vec<Completion> {
    let mut taken = Vec::new();
    while taken.len() < count {
        assert!(channel.wait(SOON), "nothing came");
        taken.extend(channel.drain(usize::MAX, usize::MAX));
    }
    assert_eq!(taken.len(), count);
    taken
}

#[test]
fn the_table_is_in_order() {
    assert!(!operations().is_empty());
    for (place, operation) in operations().iter().enumerate() {
        assert_eq!(operation.index as usize, place);
    }
}

#[tokio::test]
async fn a_checked_call_hands_over_the_bytes() {
    let f = Fixture::new().await;
    f.agents([agent_answer().insert_header("x-request-id", "req-5")])
        .await;
    let channel = Channel::new(Decode::Check, || {});
    channel.start(&client(&f.server), 7, index("getAgent"), &get_agent());
    let done = take(&channel, 1).remove(0);
    assert_eq!(done.id, 7);
    let answer = done.result.expect("the agent");
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body).expect("JSON"),
        agent()
    );
    assert_eq!(
        (answer.status, answer.request_id.as_deref()),
        (200, Some("req-5"))
    );
    assert_eq!(answer.operation.map(|o| o.id), Some("getAgent"));
    assert!(answer.typed.is_none());
    assert_eq!(channel.pending(), 0);
    let sent = f.requests_to("/agents/").await;
    let user_agent = sent[0].headers["user-agent"].to_str().expect("text");
    assert!(
        user_agent.contains("(python CPython 3.11.7; "),
        "{user_agent}"
    );
}

#[tokio::test]
async fn a_typed_call_hands_over_the_model() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let channel = Channel::new(Decode::Typed, || {});
    channel.start(&client(&f.server), 1, index("getAgent"), &get_agent());
    let answer = take(&channel, 1).remove(0).result.expect("the agent");
    let agent = answer
        .typed
        .expect("typed")
        .downcast::<Agent>()
        .expect("an agent");
    assert_eq!(agent.agent_id, AGENT_ID);
}

#[tokio::test]
async fn the_check_is_as_strict_as_the_model() {
    let mut wrong = Vec::new();
    for (field, value) in [
        ("email", json!(null)),
        ("createdAt", json!("x")),
        ("capabilities", json!([1])),
        ("isPublic", json!(1)),
    ] {
        let mut body = agent();
        body[field] = value;
        wrong.push(body);
    }
    let mut missing = agent();
    missing
        .as_object_mut()
        .expect("an object")
        .remove("updatedAt");
    wrong.extend([missing, json!([]), json!("agent")]);
    for body in wrong {
        let f = Fixture::new().await;
        f.agents([ResponseTemplate::new(200).set_body_json(&body)])
            .await;
        for decode in [Decode::Check, Decode::Typed] {
            let channel = Channel::new(decode, || {});
            channel.start(&client(&f.server), 1, index("getAgent"), &get_agent());
            let error = take(&channel, 1).remove(0).result.expect_err("undecodable");
            assert_eq!(error.kind(), ErrorKind::Decoding, "{decode:?} {body}");
        }
    }
}

#[tokio::test]
async fn every_fault_arrives_as_a_completion() {
    let f = Fixture::new().await;
    f.agents([failure(404, "AGENT_NOT_FOUND")]).await;
    let (channel, client) = (Channel::new(Decode::Check, || {}), client(&f.server));
    let faults: [(&[u8], u32, ErrorKind); 6] = [
        (&get_agent(), index("getAgent"), ErrorKind::NotFound),
        (b"", index("getAgent"), ErrorKind::Validation),
        (b"{", index("getAgent"), ErrorKind::Validation),
        (
            b"{\"path\": {\"agentId\": \"a\", \"x\": \"b\"}}",
            index("getAgent"),
            ErrorKind::Validation,
        ),
        (
            b"{\"path\": {\"agentId\": \"a\"}, \"query\": {\"x\": 1}}",
            index("getAgent"),
            ErrorKind::Validation,
        ),
        (b"{}", u32::MAX, ErrorKind::Validation),
    ];
    for (args, operation, kind) in faults {
        channel.start(&client, 1, operation, args);
        let error = take(&channel, 1).remove(0).result.expect_err("a fault");
        assert_eq!(error.kind(), kind, "{}", String::from_utf8_lossy(args));
    }
    client.close();
    channel.start(&client, 2, index("getAgent"), &get_agent());
    assert_eq!(
        take(&channel, 1)
            .remove(0)
            .result
            .expect_err("closed")
            .code(),
        "CLIENT_CLOSED"
    );
}

#[tokio::test]
async fn the_host_is_woken_once_a_batch() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let wakes = Arc::new(AtomicUsize::new(0));
    let counted = wakes.clone();
    let channel = Channel::new(Decode::Check, move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let client = client(&f.server);
    for id in 0..100 {
        channel.start(&client, id, index("getAgent"), &get_agent());
    }
    // Nothing is taken out until all have come: one wake-up.
    while f.agent_requests().await < 100 || channel.pending() < 100 {
        tokio::task::yield_now().await;
    }
    let mut ids: Vec<u64> = take(&channel, 100).iter().map(|c| c.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
    assert!(wakes.load(Ordering::SeqCst) < 100);
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn a_drain_is_capped_in_items_and_bytes() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let (channel, client) = (Channel::new(Decode::Check, || {}), client(&f.server));
    for id in 0..6 {
        channel.start(&client, id, index("getAgent"), &get_agent());
    }
    let size = agent().to_string().len();
    let mut seen = 0;
    while seen < 6 {
        assert!(channel.wait(SOON));
        let items = channel.drain(2, usize::MAX).len();
        assert!((1..=2).contains(&items));
        seen += items;
        // One too large for the cap comes alone.
        let items = channel.drain(usize::MAX, size / 2).len();
        assert!(items <= 1);
        seen += items;
    }
}

#[tokio::test]
async fn a_cancelled_call_never_completes() {
    let f = Fixture::new().await;
    f.agents([agent_answer().set_delay(Duration::from_secs(600))])
        .await;
    let (channel, client) = (Channel::new(Decode::Check, || {}), client(&f.server));
    channel.start(&client, 3, index("getAgent"), &get_agent());
    while f.agent_requests().await == 0 {
        tokio::task::yield_now().await;
    }
    assert!(channel.cancel(3));
    assert!(!channel.cancel(3));
    assert_eq!(channel.pending(), 0);
    assert!(!channel.wait(Duration::ZERO));
}

#[tokio::test]
async fn closing_a_channel_wakes_those_who_wait() {
    let f = Fixture::new().await;
    let (channel, client) = (Channel::new(Decode::Check, || {}), client(&f.server));
    let waiting = channel.clone();
    let waiter = std::thread::spawn(move || waiting.wait(SOON));
    channel.close();
    assert!(waiter.join().expect("no panic"));
    channel.start_token(&client, 1);
    let late = channel
        .drain(10, usize::MAX)
        .remove(0)
        .result
        .expect_err("closed");
    assert_eq!(late.code(), "CLIENT_CLOSED");
}

#[tokio::test]
async fn a_token_is_fetched_through_the_channel_and_read_inline() {
    let f = Fixture::new().await;
    let (channel, client) = (Channel::new(Decode::Check, || {}), client(&f.server));
    assert_eq!(client.cached_token(), None);
    channel.start_token(&client, 1);
    let answer = take(&channel, 1).remove(0).result.expect("a token");
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["access_token"], "token-1");
    assert_eq!(body["token_type"], "Bearer");
    assert!(
        body["expires_in"]
            .as_u64()
            .is_some_and(|n| (3590..=3600).contains(&n))
    );
    assert_eq!(client.cached_token().as_deref(), Some("token-1"));
    client.clear_token_cache();
    assert_eq!(client.cached_token(), None);
}

#[tokio::test]
async fn a_panicking_wake_up_breaks_nothing() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let channel = Channel::new(Decode::Check, || panic!("the host's own fault"));
    let client = client(&f.server);
    for id in 1..=2 {
        channel.start(&client, id, index("getAgent"), &get_agent());
        take(&channel, 1).remove(0).result.expect("the agent");
    }
}

#[test]
fn a_wrong_configuration_is_named_without_its_secret() {
    for (config, word) in [
        (json!({"baseUri": "x"}), "baseUri"),
        (
            json!({"baseUrl": "http://example.com", "clientId": "a", "clientSecret": "s3cret"}),
            "https",
        ),
        (json!({"clientSecret": {"s3cret": 1}}), "clientSecret"),
        (json!({"headers": "s3cret"}), "headers must be an object"),
        (
            json!({"headers": {"x": ["s3cret"]}}),
            "headers.x must be a string",
        ),
        (json!({"proxy": {"s3cret": 1}}), "proxy"),
        (json!({"timeoutMs": "s3cret"}), "timeoutMs must be a number"),
        (json!({"timeoutMs": -1}), "timeoutMs"),
        (json!({"retries": -1}), "retries must be a whole number"),
        (json!("s3cret"), "the configuration must be"),
        (json!({"timeoutMs": 0}), "timeoutMs"),
    ] {
        let error = BridgeClient::from_json(config.to_string().as_bytes())
            .err()
            .expect("an error");
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Configuration, "CONFIGURATION_ERROR")
        );
        assert!(error.message().contains(word), "{}", error.message());
        assert!(!error.message().contains("s3cret"), "{}", error.message());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn after_a_fork_both_sides_go_on() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let (channel, client) = (Channel::new(Decode::Check, || {}), client(&f.server));
    channel.start(&client, 1, index("getAgent"), &get_agent());
    take(&channel, 1).remove(0).result.expect("the agent");
    // SAFETY: the child uses only what this test is about and leaves without unwinding.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let cold = client.cached_token().is_none() && channel.pending() == 0;
        channel.start(&client, 2, index("getAgent"), &get_agent());
        let woken = channel.wait(SOON);
        let fine = channel
            .drain(1, usize::MAX)
            .pop()
            .is_some_and(|c| c.id == 2 && c.result.is_ok());
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!(cold && woken && fine))) };
    }
    let ended = tokio::task::spawn_blocking(move || {
        let mut status = 0;
        // SAFETY: waits for the child that was just made.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        status
    });
    assert_eq!(ended.await.expect("no panic"), 0);
    channel.start(&client, 3, index("getAgent"), &get_agent());
    take(&channel, 1)
        .remove(0)
        .result
        .expect("the parent goes on");
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_its_name_and_not_repeated() {
    let f = Fixture::new().await;
    let channel = Channel::new(Decode::Check, || {});
    for (args, expected) in [
        (json!({"path": {"agentId": 5}}), "agentId: must be a string"),
        (
            json!({"path": {"agentId": AGENT_ID}, "options": {"retries": "top-secret"}}),
            "retries: must be a whole number from 0",
        ),
        (
            json!({"path": {"agentId": AGENT_ID}, "options": {"headers": {"x-a": 1}}}),
            "headers.x-a: must be a string",
        ),
        (
            json!({"path": {"agentId": AGENT_ID}, "options": {"bogus": 1}}),
            "bogus: is not known here",
        ),
    ] {
        let call = args.to_string();
        channel.start(&client(&f.server), 1, index("getAgent"), call.as_bytes());
        let error = take(&channel, 1).remove(0).result.expect_err("refused");
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Validation, expected)
        );
    }
    // A body that is sent as the host wrote it is read for this alone.
    for (body, expected) in [
        (r#"{"body":{"email":"a","owner":"\ud800"}}"#, "owner"),
        (
            r#"{"body":{"capabilities":["a","\uD83Dx"]}}"#,
            "capabilities[1]",
        ),
    ] {
        channel.start(
            &client(&f.server),
            2,
            index("registerAgent"),
            body.as_bytes(),
        );
        let error = take(&channel, 1).remove(0).result.expect_err("refused");
        let says = format!("{expected}: holds half of a surrogate pair, which is no text");
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Validation, says.as_str())
        );
    }
    assert_eq!(f.agent_requests().await, 0);
}

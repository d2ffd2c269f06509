//! A host's tests move the time of the bridge's clients.

use std::{sync::Arc, time::Duration};

use sentryagent_idp::{
    ErrorKind,
    bridge::{BridgeClient, BridgeClock, Channel, Completion, Decode, operations},
};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{AGENT_ID, Fixture, SECRET, agent_answer, failure};

const PATIENCE: Duration = Duration::from_secs(20);

struct Host {
    clock: BridgeClock,
    client: BridgeClient,
    channel: Arc<Channel>,
}

impl Host {
    fn new(f: &Fixture) -> Self {
        let config = json!({
            "baseUrl": f.server.uri(), "clientId": "agent-1", "clientSecret": SECRET,
        });
        let clock = BridgeClock::manual();
        let config = config.to_string();
        let client = BridgeClient::from_json_with(config.as_bytes(), Some(&clock));
        Self {
            clock,
            client: client.expect("a client"),
            channel: Channel::new(Decode::Check, || {}),
        }
    }

    fn start(&self, id: u64, options: &Value) {
        let get = operations().iter().find(|o| o.id == "getAgent");
        let index = get.expect("an operation").index;
        let args = json!({"path": {"agentId": AGENT_ID}, "options": options}).to_string();
        self.channel.start(&self.client, id, index, args.as_bytes());
    }

    fn one(&self) -> Completion {
        assert!(self.channel.wait(PATIENCE), "nothing came");
        self.channel.drain(1, usize::MAX).remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_and_tokens_follow_it() {
    let f = Fixture::new().await;
    let busy = failure(503, "SERVICE_UNAVAILABLE").insert_header("retry-after", "4");
    f.agents([busy, agent_answer()]).await;
    let host = Host::new(&f);
    host.start(1, &json!({}));
    assert_eq!(host.clock.sleeping(10_000.0, PATIENCE), Some(4_000.0));
    host.clock.advance(4_000.0);
    let answer = host.one().result.expect("the agent");
    assert_eq!(answer.retry_count, 1);
    assert_eq!(host.client.cached_token().as_deref(), Some("token-1"));
    host.clock.jump_wall(3_600_000.0);
    assert_eq!(host.client.cached_token(), None);
    host.clock.jump_wall(-3_600_000.0);
    assert!(host.client.cached_token().is_some());
    host.clock.advance(3_600_000.0);
    assert_eq!(host.client.cached_token(), None);
    assert_eq!(host.clock.sleeping(10.0, Duration::from_millis(1)), None);
    assert!(host.clock.wall_ms() > 1_767_225_600_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_follows_it_and_can_be_set_on_the_call() {
    let f = Fixture::new().await;
    f.agents([agent_answer().set_delay(Duration::from_secs(600))])
        .await;
    let host = Host::new(&f);
    host.start(1, &json!({"timeoutMs": 1500, "connectTimeoutMs": 700.5}));
    while f.agent_requests().await == 0 {
        tokio::task::yield_now().await;
    }
    host.clock.advance(1_500.0);
    let error = host.one().result.expect_err("too slow");
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Timeout, "TIMEOUT")
    );
    for options in [json!({"timeoutMs": 0}), json!({"connectTimeoutMs": -1})] {
        host.start(2, &options);
        let error = host.one().result.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chance_that_is_none_breaks_no_wait() {
    for (chance, wait) in [(f64::NAN, 0.0), (-3.0, 0.0), (f64::INFINITY, 500.0)] {
        let f = Fixture::new().await;
        f.agents([failure(503, "SERVICE_UNAVAILABLE"), agent_answer()])
            .await;
        let host = Host::new(&f);
        host.clock.set_random(chance);
        host.start(1, &json!({}));
        if wait > 0.0 {
            assert_eq!(host.clock.sleeping(10_000.0, PATIENCE), Some(wait));
            host.clock.advance(wait);
        }
        let answer = host.one().result.expect("the agent");
        assert_eq!(answer.retry_count, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_carry_a_trace_and_clients_have_numbers() {
    let f = Fixture::new().await;
    f.agents([agent_answer(), ResponseTemplate::new(404)]).await;
    let (one, two) = (Host::new(&f), Host::new(&f));
    assert_ne!(one.client.id(), two.client.id());
    assert_eq!(one.client.id(), one.client.clone().id());
    one.start(
        1,
        &json!({"headers": {"traceparent": "00-a-b-01", "tracestate": "x=1"}}),
    );
    one.one().result.expect("the agent");
    let sent = f.requests_to("/agents/").await;
    assert_eq!(sent[0].headers["traceparent"], "00-a-b-01");
    assert_eq!(sent[0].headers["tracestate"], "x=1");
    // Raw facts are there on errors too.
    two.start(2, &json!({}));
    let error = two.one().result.expect_err("not found").to_json();
    assert_eq!(
        (&error["httpStatus"], &error["headers"]["content-length"]),
        (&404.into(), &"0".into())
    );
}

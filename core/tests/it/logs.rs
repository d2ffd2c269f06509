//! What the host is told: `tracing` events and the bridge's records, from the same places.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write as _},
    sync::{Arc, LazyLock, Mutex},
};

use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::NoSubscriber,
};

use crate::support::{
    AGENT_ID, Fixture, agent_answer, failure, seconds, token_answer, token_script, until,
};

/// An event as a subscriber saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub target: String,
    pub level: Level,
    pub fields: BTreeMap<String, String>,
}

impl Seen {
    fn message(&self) -> &str {
        &self.fields["message"]
    }
}

/// While one dispatcher is known, `tracing` asks the thread that first reaches an event whether
/// anybody listens, and keeps the answer for all: of another test's thread it is no. With two it
/// asks the dispatchers.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// Keeps every event of this thread.
#[derive(Clone, Default)]
pub struct Capture(Arc<Mutex<Vec<Seen>>>);

impl Capture {
    /// From now on, until the guard is dropped.
    pub fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        LazyLock::force(&SECOND);
        let capture = Self::default();
        let guard = tracing::subscriber::set_default(capture.clone());
        (capture, guard)
    }

    pub fn all(&self) -> Vec<Seen> {
        self.0.lock().expect("no panic").clone()
    }

    fn with(&self, message: &str) -> Vec<Seen> {
        let mut all = self.all();
        all.retain(|seen| seen.message().starts_with(message));
        all
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0.lock().expect("no panic").push(Seen {
            target: event.metadata().target().to_owned(),
            level: *event.metadata().level(),
            fields: fields.0,
        });
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        write!(text, "{value:?}").expect("text");
        self.0.insert(field.name().to_owned(), text);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

#[tokio::test]
async fn a_failing_renewal_is_a_warning_and_nobodys_error() {
    let (capture, _guard) = Capture::start();
    let f = Fixture::without_tokens(|b| b.retries(0)).await;
    token_script([
        token_answer("old", 3600),
        failure(503, "SERVICE_UNAVAILABLE"),
        token_answer("new", 3600),
    ])
    .mount(&f.server)
    .await;
    let manager = f.client.token_manager();
    manager.get_token().await.expect("a token");
    f.clock.advance(seconds(3600 - 200));
    manager.get_token().await.expect("the old one");
    let message = "the access token could not be renewed";
    until(async || !capture.with(message).is_empty()).await;
    let warning = capture.with(message).remove(0);
    assert_eq!(
        (warning.target.as_str(), warning.level),
        ("sentryagent_idp", Level::WARN)
    );
    assert_eq!(warning.fields["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(warning.fields["failures"], "1");
    // Half of the chance: 0.75 of the first second.
    assert_eq!(warning.fields["pause_ms"], "750");
    f.clock.advance(seconds(1));
    until(async || manager.get_token().await.expect("one").expose_secret() == "new").await;
    assert_eq!(capture.with(message).len(), 1);
    let fetched = capture.with("an access token was fetched");
    assert_eq!(
        (fetched.len(), fetched[1].fields["life_s"].as_str()),
        (2, "3600")
    );
}

#[tokio::test]
async fn tries_and_answers_are_told() {
    let (capture, _guard) = Capture::start();
    let f = Fixture::new().await;
    f.agents([
        failure(429, "RATE_LIMIT_EXCEEDED").insert_header("retry-after", "0"),
        agent_answer().insert_header("x-request-id", "req-11"),
    ])
    .await;
    let agents = f.client.agents();
    agents.get_agent(AGENT_ID).await.expect("the agent");
    let again = capture.with("trying again").remove(0);
    assert_eq!(again.level, Level::DEBUG);
    assert_eq!(again.fields["operation"], "getAgent");
    assert_eq!(again.fields["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(
        (&*again.fields["retry"], &*again.fields["wait_ms"]),
        ("1", "0")
    );
    let answered = capture.with("answered");
    let statuses: Vec<&str> = answered.iter().map(|a| &*a.fields["status"]).collect();
    assert_eq!(statuses, ["200", "429", "200"]);
    assert_eq!(answered[2].fields["request_id"], "req-11");
    assert_eq!(answered[2].fields["duration_ms"], "0");
    assert_eq!(answered[2].level, Level::TRACE);
    f.client.close();
    f.client.close();
    assert_eq!(capture.with("the client is closed").len(), 1);
    // All of it is of one client.
    let ours = |seen: &Seen| seen.target == "sentryagent_idp";
    let clients: Vec<_> = capture.all().into_iter().filter(ours).collect();
    let first = &clients[0].fields["client"];
    assert!(clients.iter().all(|seen| &seen.fields["client"] == first));
}

#[cfg(feature = "bridge")]
mod bridge {
    use std::time::Duration;

    use sentryagent_idp::bridge::{
        BridgeClient, BridgeClock, Channel, Decode,
        logs::{self, Level, Record},
        operations,
    };
    use serde_json::json;

    use super::{AGENT_ID, Fixture, agent_answer, failure, token_answer, token_script};
    use crate::support::SECRET;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// One after the other: the queue is the process's.
    #[tokio::test]
    async fn records_come_from_the_same_places() {
        logs::want(Some(Level::Trace));
        let f = Fixture::without_tokens(|b| b).await;
        token_script([
            token_answer("old", 3600),
            failure(500, "INTERNAL_SERVER_ERROR"),
        ])
        .mount(&f.server)
        .await;
        f.agents([agent_answer().insert_header("x-request-id", "req-12")])
            .await;
        let config = json!({
            "baseUrl": f.server.uri(), "clientId": "agent-1", "clientSecret": SECRET, "retries": 0,
        });
        let clock = BridgeClock::manual();
        let client = BridgeClient::from_json_with(config.to_string().as_bytes(), Some(&clock))
            .expect("a client");
        let channel = Channel::new(Decode::Check, || {});
        let get = operations()
            .iter()
            .find(|o| o.id == "getAgent")
            .expect("an operation");
        let args = json!({"path": {"agentId": AGENT_ID}}).to_string();
        let call = |id| {
            channel.start(&client, id, get.index, args.as_bytes());
            assert!(channel.wait(PATIENCE));
            let done = channel.drain(1, usize::MAX).remove(0);
            done.result.expect("the agent");
        };
        call(1);
        clock.advance(3_600_000.0 - 200_000.0);
        call(2);
        let mut records = Vec::new();
        let warned = |r: &Record| r.level == Level::Warn;
        while !records.iter().any(warned) {
            let fresh = logs::drain(100);
            records.extend(fresh.into_iter().filter(|r| r.client == Some(client.id())));
            tokio::task::yield_now().await;
        }
        client.close();
        records.extend(logs::drain(usize::MAX));
        records.retain(|r| r.client == Some(client.id()));
        let of = |message: &str| -> Vec<&Record> {
            let found = records.iter().filter(|r| r.message.starts_with(message));
            found.collect()
        };
        let warning = of("the access token could not be renewed")[0];
        assert_eq!(warning.fields["code"], "INTERNAL_SERVER_ERROR");
        assert!(warning.time_ms > 1_767_225_600_000);
        let answered = of("answered");
        let agent = answered
            .iter()
            .find(|r| r.fields["operation"] == "getAgent")
            .expect("answered");
        assert_eq!(agent.fields["status"], 200);
        assert_eq!(agent.fields["request_id"], "req-12");
        assert_eq!(agent.level, Level::Trace);
        assert_eq!(of("an access token was fetched")[0].fields["life_s"], 3600);
        assert_eq!(of("the client is closed").len(), 1);
        let shown = format!("{records:?}");
        assert!(
            !shown.contains(SECRET) && !shown.contains("Bearer"),
            "{shown}"
        );
    }
}

//! One token for clients that are built apart with the same values.

use std::time::Duration;

use futures_util::future::join_all;
use sentryagent_idp::{AgentIdPClient, ClientBuilder, TokenManager};
use wiremock::MockServer;

use crate::support::{
    AGENT_ID, Fixture, SECRET, agent_answer, failure, seconds, token_answer, token_script, until,
};

/// A client on the system's clock, as every user builds one.
fn client(
    server: &MockServer,
    change: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> AgentIdPClient {
    let builder = AgentIdPClient::builder()
        .base_url(server.uri())
        .client_id("agent-1")
        .client_secret(SECRET);
    change(builder).build().expect("a client")
}

async fn text(manager: &TokenManager) -> String {
    let token = manager.get_token().await.expect("a token");
    token.expose_secret().to_owned()
}

#[tokio::test]
async fn clients_built_apart_make_one_token_request() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let clients: Vec<_> = (0..100).map(|_| client(&f.server, |b| b)).collect();
    let calls = clients
        .iter()
        .map(|client| client.agents().get_agent(AGENT_ID).into_future());
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let scopes = "audit:read tokens:read agents:write agents:read";
    let manager = TokenManager::new(f.server.uri(), "agent-1", SECRET, scopes).expect("a manager");
    assert_eq!(
        manager.cached_token().expect("cached").expose_secret(),
        "token-1"
    );
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn another_secret_scope_or_header_is_another_token() {
    let f = Fixture::new().await;
    let one = client(&f.server, |b| b);
    let others = [
        client(&f.server, |b| b.client_secret("sk_live_other")),
        client(&f.server, |b| b.scopes(["agents:read"])),
        client(&f.server, |b| b.header("x-tenant", "a")),
        client(&f.server, |b| b.client_id("agent-2")),
    ];
    let first = text(&one.token_manager()).await;
    for other in &others {
        assert!(other.token_manager().cached_token().is_none());
        assert_ne!(text(&other.token_manager()).await, first);
    }
    assert_eq!(f.token_requests().await, 5);
}

#[tokio::test]
async fn a_clear_is_for_all_that_share() {
    let f = Fixture::new().await;
    let (one, two) = (client(&f.server, |b| b), client(&f.server, |b| b));
    assert_eq!(text(&one.token_manager()).await, "token-1");
    one.clear_token_cache();
    assert!(two.token_manager().cached_token().is_none());
    assert_eq!(text(&two.token_manager()).await, "token-2");
    assert_eq!(text(&one.token_manager()).await, "token-2");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_that_share() {
    let f = Fixture::new().await;
    f.agents([failure(401, "UNAUTHORIZED"), agent_answer()])
        .await;
    let (one, two) = (client(&f.server, |b| b), client(&f.server, |b| b));
    one.agents().get_agent(AGENT_ID).await.expect("the agent");
    two.agents().get_agent(AGENT_ID).await.expect("the agent");
    assert_eq!(text(&two.token_manager()).await, "token-2");
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn a_token_ends_with_its_last_client() {
    let f = Fixture::new().await;
    let (one, two) = (client(&f.server, |b| b), client(&f.server, |b| b));
    text(&one.token_manager()).await;
    drop(one);
    assert_eq!(text(&two.token_manager()).await, "token-1");
    drop(two);
    assert_eq!(
        text(&client(&f.server, |b| b).token_manager()).await,
        "token-2"
    );
}

#[tokio::test]
async fn a_token_ends_with_its_last_open_client() {
    let f = Fixture::new().await;
    let (one, two) = (client(&f.server, |b| b), client(&f.server, |b| b));
    text(&one.token_manager()).await;
    one.close();
    one.close();
    assert_eq!(text(&two.token_manager()).await, "token-1");
    two.close();
    // Both are still there, but closed.
    let three = client(&f.server, |b| b);
    assert_eq!(text(&three.token_manager()).await, "token-2");
    drop((one, two));
    assert_eq!(text(&three.token_manager()).await, "token-2");
}

#[tokio::test]
async fn closing_a_client_ends_neither_the_token_nor_the_request_for_it() {
    let f = Fixture::without_tokens(|b| b).await;
    let slow = token_answer("one", 3600).set_delay(Duration::from_millis(50));
    token_script([slow]).mount(&f.server).await;
    let (one, two) = (client(&f.server, |b| b), client(&f.server, |b| b));
    // The request is one's, and one is closed before it has left.
    let first = one.token_manager();
    let early = tokio::spawn(async move { first.get_token().await });
    tokio::task::yield_now().await;
    one.close();
    assert_eq!(text(&two.token_manager()).await, "one");
    assert!(early.await.expect("no panic").is_ok());
    assert!(one.token_manager().cached_token().is_none());
    let error = one.token_manager().get_token().await.expect_err("closed");
    assert_eq!(error.code(), "CLIENT_CLOSED");
    one.clear_token_cache();
    assert_eq!(text(&two.token_manager()).await, "one");
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn a_hasty_client_fails_for_itself_only() {
    let f = Fixture::without_tokens(|b| b).await;
    let down = failure(503, "SERVICE_UNAVAILABLE").set_delay(Duration::from_millis(50));
    token_script([down, token_answer("one", 3600)])
        .mount(&f.server)
        .await;
    let hasty = client(&f.server, |b| b.retries(0));
    let patient = client(&f.server, |b| b);
    let first = hasty.token_manager();
    let first = tokio::spawn(async move { first.get_token().await });
    until(async || f.token_requests().await == 1).await;
    assert_eq!(text(&patient.token_manager()).await, "one");
    let error = first.await.expect("no panic").expect_err("no retries");
    assert_eq!(error.http_status(), Some(503));
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn what_no_patience_cures_is_everybodys_error() {
    let f = Fixture::without_tokens(|b| b).await;
    let refused = failure(401, "invalid_client").set_delay(Duration::from_millis(50));
    token_script([refused]).mount(&f.server).await;
    let hasty = client(&f.server, |b| b.retries(0));
    let patient = client(&f.server, |b| b);
    let first = hasty.token_manager();
    let first = tokio::spawn(async move { first.get_token().await });
    until(async || f.token_requests().await == 1).await;
    assert!(patient.token_manager().get_token().await.is_err());
    assert!(first.await.expect("no panic").is_err());
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn a_client_with_a_clock_of_its_own_shares_with_its_clones_only() {
    let f = Fixture::new().await;
    let theirs = client(&f.server, |b| b);
    let mine = client(&f.server, |b| b.clock(f.clock.clone()));
    assert_eq!(text(&theirs.token_manager()).await, "token-1");
    assert_eq!(text(&f.client.token_manager()).await, "token-2");
    assert_eq!(text(&mine.token_manager()).await, "token-3");
    assert_eq!(text(&mine.clone().token_manager()).await, "token-3");
}

#[tokio::test]
async fn a_flight_on_a_runtime_that_nobody_drives_is_not_waited_for() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    let stuck = manager.clone();
    let runtime = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let cold = runtime.block_on(async { futures_util::poll!(Box::pin(stuck.get_token())) });
        assert!(cold.is_pending());
        runtime
    });
    let runtime = runtime.join().expect("no panic");
    let waiting = tokio::spawn(async move { text(&manager).await });
    f.clock.sleeping(seconds(5)).await;
    assert!(!waiting.is_finished());
    f.clock.advance(seconds(5));
    assert_eq!(waiting.await.expect("no panic"), "token-1");
    runtime.shutdown_background();
}

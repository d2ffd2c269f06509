//! The time that a call may take, and giving up.

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use sentryagent_idp::{AgentIdPClient, ErrorKind, policy::TIME_MAX};

use crate::support::{AGENT_ID, Fixture, agent_answer, failure, token_answer, token_script};

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_call_ends_after_thirty_seconds() {
    let f = Fixture::new().await;
    f.agents([agent_answer().set_delay(LONG)]).await;
    let call = tokio::spawn(f.client.agents().get_agent(AGENT_ID).into_future());
    while f.agent_requests().await == 0 {
        tokio::task::yield_now().await;
    }
    f.clock.advance(Duration::from_secs(29));
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    f.clock.advance(Duration::from_secs(1));
    let error = call.await.expect("no panic").expect_err("too slow");
    assert_eq!(
        (error.kind(), error.code(), error.http_status()),
        (ErrorKind::Timeout, "TIMEOUT", None)
    );
    assert!(error.message().contains("30000 ms"), "{}", error.message());
}

#[tokio::test]
async fn waiting_for_a_token_counts() {
    let f = Fixture::without_tokens(|b| b.timeout(Duration::from_secs(10))).await;
    token_script([token_answer("late", 3600).set_delay(LONG)])
        .mount(&f.server)
        .await;
    let call = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .timeout(Duration::from_secs(2));
    let call = tokio::spawn(call.into_future());
    f.clock.sleeping(Duration::from_secs(2)).await;
    f.clock.advance(Duration::from_secs(2));
    let error = call.await.expect("no panic").expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.message().contains("before the first try"),
        "{}",
        error.message()
    );
}

#[tokio::test]
async fn the_last_failure_is_the_cause_of_a_timeout() {
    let f = Fixture::new().await;
    f.agents([
        failure(503, "SERVICE_UNAVAILABLE"),
        agent_answer().set_delay(LONG),
    ])
    .await;
    let call = tokio::spawn(f.client.agents().get_agent(AGENT_ID).into_future());
    let backoff = f.clock.sleeping(Duration::from_secs(20)).await;
    f.clock.advance(backoff);
    while f.agent_requests().await < 2 {
        tokio::task::yield_now().await;
    }
    f.clock.advance(Duration::from_secs(30));
    let error = call.await.expect("no panic").expect_err("too slow");
    assert_eq!((error.kind(), error.retry_count()), (ErrorKind::Timeout, 1));
    assert!(
        error
            .cause()
            .is_some_and(|c| c.contains("SERVICE_UNAVAILABLE"))
    );
}

#[tokio::test]
async fn a_time_of_nothing_or_above_a_day_is_refused_by_its_name() {
    let f = Fixture::new().await;
    let call = || f.client.agents().get_agent(AGENT_ID);
    for wrong in [
        Duration::ZERO,
        TIME_MAX + Duration::from_nanos(1),
        Duration::MAX,
    ] {
        for (name, call) in [
            ("timeout", call().timeout(wrong)),
            ("connect_timeout", call().connect_timeout(wrong)),
        ] {
            let error = call.await.expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Validation);
            assert!(
                error.message().contains(&format!("{name}: must be")),
                "{error}"
            );
        }
    }
    assert_eq!(f.requests_to("/").await.len(), 0);
    let call = call().timeout(TIME_MAX).connect_timeout(TIME_MAX);
    // It was sent: this server knows no agent.
    assert_eq!(call.await.expect_err("sent").http_status(), Some(404));
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    use tokio::io::AsyncReadExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let f = Fixture::with(|b| b.base_url(url)).await;
    let call = tokio::spawn(f.client.tokens().issue_token(None).into_future());
    let (mut socket, _) = listener.accept().await.expect("a connection");
    let mut seen = vec![0; 4096];
    assert!(socket.read(&mut seen).await.expect("the request") > 0);
    call.abort();
    while socket.read(&mut seen).await.is_ok_and(|n| n > 0) {}
}

#[tokio::test]
async fn a_closed_client_says_so() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    f.client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect("the agent");
    f.client.clone().close();
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("closed");
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Configuration, "CLIENT_CLOSED")
    );
    assert!(f.client.token_manager().get_token().await.is_err());
    assert!(f.client.token_manager().cached_token().is_none());
}

#[test]
fn a_call_outside_of_a_runtime_is_a_mistake_and_no_panic() {
    let client = AgentIdPClient::builder()
        .base_url("http://localhost:1")
        .client_id("agent-1")
        .client_secret("secret")
        .build()
        .expect("a client");
    let mut call = client.agents().get_agent(AGENT_ID).into_future();
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else {
        panic!("{polled:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("runtime"), "{error:?}");
}

//! When a request is repeated, and what is the same on each try.

use std::time::Duration;

use sentryagent_idp::{AgentIdPClient, ErrorKind};
use wiremock::ResponseTemplate;

use crate::support::{AGENT_ID, Fixture, agent_answer, failure, token_answer, token_script};

/// Lets every backoff pass as soon as it is slept; says how long they were.
async fn with_time<T>(f: &Fixture, work: impl Future<Output = T>) -> (T, Vec<u128>) {
    let mut waits = Vec::new();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return (done, waits),
            wait = f.clock.sleeping(Duration::from_secs(20)) => {
                waits.push(wait.as_millis());
                f.clock.advance(wait);
            }
        }
    }
}

#[tokio::test]
async fn two_retries_with_growing_waits_are_the_default() {
    let f = Fixture::new().await;
    f.agents([failure(503, "SERVICE_UNAVAILABLE")]).await;
    let (outcome, waits) = with_time(&f, f.client.agents().get_agent(AGENT_ID).into_future()).await;
    let error = outcome.expect_err("unavailable");
    assert_eq!((error.kind(), error.retry_count()), (ErrorKind::Server, 2));
    assert!(error.is_retryable());
    let cause = error.cause().expect("how the try before it failed");
    assert!(cause.contains("SERVICE_UNAVAILABLE"), "{cause}");
    assert_eq!(waits, [250, 500]);
    assert_eq!(f.agent_requests().await, 3);
}

#[tokio::test]
async fn what_may_pass_is_repeated_until_it_does() {
    for status in [408, 429, 500, 502, 503, 504] {
        let f = Fixture::new().await;
        f.agents([failure(status, "SOME_CODE"), agent_answer()])
            .await;
        let (outcome, _) = with_time(&f, f.client.agents().get_agent(AGENT_ID).raw()).await;
        assert_eq!(outcome.expect("the agent").retry_count, 1, "{status}");
    }
}

#[tokio::test]
async fn what_will_not_pass_is_not_repeated() {
    for status in [400, 403, 404, 409, 410, 422, 501] {
        let f = Fixture::new().await;
        f.agents([failure(status, "SOME_CODE")]).await;
        let error = f
            .client
            .agents()
            .get_agent(AGENT_ID)
            .await
            .expect_err("an error");
        assert_eq!(
            (error.http_status(), error.retry_count()),
            (Some(status), 0)
        );
        assert!(!error.is_retryable());
        assert_eq!(f.agent_requests().await, 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_honoured_in_seconds_and_as_a_date() {
    // The clock stands at 2026-01-01 00:00:00 UTC.
    for value in ["7", "Thu, 01 Jan 2026 00:00:07 GMT"] {
        let f = Fixture::new().await;
        f.agents([
            failure(429, "RATE_LIMIT_EXCEEDED").insert_header("retry-after", value),
            agent_answer(),
        ])
        .await;
        let (outcome, waits) =
            with_time(&f, f.client.agents().get_agent(AGENT_ID).into_future()).await;
        outcome.expect("the agent");
        assert_eq!(waits, [7000], "{value}");
    }
}

#[tokio::test]
async fn a_wait_behind_the_deadline_fails_at_once_and_says_how_long() {
    let f = Fixture::new().await;
    f.agents([failure(429, "RATE_LIMIT_EXCEEDED").insert_header("retry-after", "3600")])
        .await;
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("limited");
    assert_eq!(
        (error.kind(), error.retry_count()),
        (ErrorKind::RateLimit, 0)
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(error.message().contains("3600 s"), "{}", error.message());
}

#[tokio::test]
async fn a_date_behind_the_deadline_fails_at_once_too() {
    // The clock stands at 2026-01-01 00:00:00 UTC, and a call has 30 s.
    let date = "Thu, 01 Jan 2026 00:00:30 GMT";
    let f = Fixture::new().await;
    f.agents([failure(503, "SERVICE_UNAVAILABLE").insert_header("retry-after", date)])
        .await;
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("unavailable");
    assert_eq!(
        (error.kind(), error.retry_after(), error.retry_count()),
        (ErrorKind::Server, Some(Duration::from_secs(30)), 0)
    );
    assert!(error.message().contains("30 s"), "{}", error.message());
    // With more time of its own, a call waits for it.
    let call = f.client.agents().get_agent(AGENT_ID);
    let call = call.timeout(Duration::from_secs(31)).retries(1);
    let mut call = std::pin::pin!(call.into_future());
    let waited = tokio::select! {
        _ = &mut call => None,
        // Its deadline is 31 s away: only the wait for the retry is shorter.
        wait = f.clock.sleeping(Duration::from_secs(30)) => Some(wait),
    };
    assert_eq!(waited, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_backoff_behind_the_deadline_is_not_begun() {
    let f = Fixture::new().await;
    f.agents([failure(500, "INTERNAL_SERVER_ERROR")]).await;
    // Half of the chance: the first backoff is 250 ms.
    let call = f.client.agents().get_agent(AGENT_ID);
    let error = call
        .timeout(Duration::from_millis(250))
        .await
        .expect_err("failed");
    assert_eq!(
        (error.kind(), error.retry_count(), error.http_status()),
        (ErrorKind::Server, 0, Some(500))
    );
}

#[tokio::test]
async fn waits_are_drawn_from_the_whole_range_and_end_at_eight_seconds() {
    for (chance, expected) in [
        (0.0, vec![]),
        (0.5, vec![250, 500, 1000, 2000, 4000, 4000]),
        (1.0, vec![500, 1000, 2000, 4000, 8000, 8000]),
    ] {
        let f = Fixture::with(|b| b.retries(6).timeout(Duration::from_secs(60))).await;
        f.clock.set_random(chance);
        f.agents([failure(502, "BAD_GATEWAY")]).await;
        let call = f.client.agents().get_agent(AGENT_ID);
        let (outcome, waits) = with_time(&f, call.into_future()).await;
        let error = outcome.expect_err("bad gateway");
        assert_eq!((error.retry_count(), waits), (6, expected), "{chance}");
    }
}

#[tokio::test]
async fn retries_can_be_set_on_the_client_and_on_the_call() {
    let f = Fixture::with(|b| b.retries(1)).await;
    f.agents([failure(500, "INTERNAL_SERVER_ERROR")]).await;
    let call = f.client.agents().get_agent(AGENT_ID);
    assert_eq!(
        with_time(&f, call.into_future())
            .await
            .0
            .expect_err("failed")
            .retry_count(),
        1
    );
    let call = f.client.agents().get_agent(AGENT_ID).retries(0);
    assert_eq!(call.await.expect_err("failed").retry_count(), 0);
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .retries(11)
        .await
        .expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::Validation);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let f = Fixture::with(|b| b.base_url(format!("http://{address}"))).await;
    let (outcome, waits) = with_time(&f, f.client.tokens().issue_token(None).into_future()).await;
    let error = outcome.expect_err("nobody there");
    assert_eq!(
        (error.kind(), error.code(), error.retry_count()),
        (ErrorKind::Connection, "CONNECTION_ERROR", 2)
    );
    assert!(error.cause().is_some());
    assert_eq!(waits.len(), 2);
}

#[tokio::test]
async fn the_token_request_has_retries_of_its_own() {
    let f = Fixture::without_tokens(|b| b).await;
    token_script([
        failure(503, "SERVICE_UNAVAILABLE"),
        token_answer("late", 3600),
    ])
    .mount(&f.server)
    .await;
    f.agents([agent_answer()]).await;
    let (outcome, _) = with_time(&f, f.client.agents().get_agent(AGENT_ID).raw()).await;
    assert_eq!(outcome.expect("the agent").retry_count, 0);
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn an_answer_without_retry_after_in_the_past_is_not_waited_for() {
    let f = Fixture::new().await;
    let past =
        ResponseTemplate::new(503).insert_header("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT");
    f.agents([past, agent_answer()]).await;
    let (outcome, waits) = with_time(&f, f.client.agents().get_agent(AGENT_ID).into_future()).await;
    outcome.expect("the agent");
    assert!(waits.is_empty());
}

#[test]
fn outside_of_a_runtime_a_call_is_an_error_and_no_panic() {
    let client = AgentIdPClient::builder()
        .base_url("http://127.0.0.1:9")
        .client_id("a")
        .client_secret("b")
        .clock(sentryagent_idp::clock::ManualClock::new())
        .build()
        .expect("a client");
    let mut call = std::pin::pin!(client.agents().get_agent(AGENT_ID).into_future());
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    match call.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::Configuration),
        other => panic!("{other:?}"),
    }
}

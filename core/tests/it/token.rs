//! One token for all: single flight, renewal, refusal, clocks.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::join_all;
use sentryagent_idp::{
    ErrorKind,
    clock::{Clock, ManualClock, Sleep, SystemClock},
};
use serde_json::json;
use wiremock::{Mock, ResponseTemplate, matchers::method};

use crate::support::{
    AGENT_ID, Fixture, agent_answer, failure, seconds, token_answer, token_script, tokens, until,
};

fn refused() -> ResponseTemplate {
    ResponseTemplate::new(401).set_body_json(
        json!({"error": "invalid_client", "error_description": "no", "code": "invalid_client"}),
    )
}

#[tokio::test]
async fn ten_thousand_cold_callers_make_one_request() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    let all = join_all((0..10_000).map(|_| manager.get_token())).await;
    assert!(
        all.iter()
            .all(|t| t.as_ref().is_ok_and(|t| t.expose_secret() == "token-1"))
    );
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn callers_share_one_error() {
    let f = Fixture::without_tokens(|b| b).await;
    token_script([refused()]).mount(&f.server).await;
    let manager = f.client.token_manager();
    let all = join_all((0..1_000).map(|_| manager.get_token())).await;
    assert!(
        all.iter()
            .all(|t| t.as_ref().is_err_and(|e| e.code() == "invalid_client"))
    );
    // One that comes right after shares it too; one that comes later asks again.
    assert!(manager.get_token().await.is_err());
    assert_eq!(f.token_requests().await, 1);
    f.clock.advance(seconds(2));
    let error = manager.get_token().await.expect_err("still refused");
    assert_eq!(
        (error.kind(), error.oauth_error()),
        (ErrorKind::Authentication, Some("invalid_client"))
    );
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn a_cached_token_needs_no_runtime_and_no_request() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    assert!(manager.cached_token().is_none());
    manager.get_token().await.expect("a token");
    let cached = std::thread::spawn(move || manager.cached_token())
        .join()
        .expect("no panic");
    assert_eq!(cached.expect("cached").expose_secret(), "token-1");
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn a_token_is_renewed_in_the_background_while_it_serves() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    manager.get_token().await.expect("a token");
    // Half of the jitter: the window of 300 s begins 285 s before the end.
    f.clock.advance(seconds(3600 - 290));
    assert_eq!(
        manager.get_token().await.expect("old").expose_secret(),
        "token-1"
    );
    assert_eq!(f.token_requests().await, 1);
    f.clock.advance(seconds(10));
    assert_eq!(
        manager.get_token().await.expect("old").expose_secret(),
        "token-1"
    );
    until(async || manager.get_token().await.expect("a token").expose_secret() == "token-2").await;
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn reading_the_cache_inline_starts_the_renewal() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    manager.get_token().await.expect("a token");
    f.clock.advance(seconds(3600 - 100));
    let other = manager.clone();
    let inline = std::thread::spawn(move || other.cached_token())
        .join()
        .expect("no panic");
    assert_eq!(inline.expect("still serves").expose_secret(), "token-1");
    until(async || {
        manager
            .cached_token()
            .is_some_and(|t| t.expose_secret() == "token-2")
    })
    .await;
}

#[tokio::test]
async fn in_the_last_minute_callers_wait_for_the_new_one() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    manager.get_token().await.expect("a token");
    f.clock.advance(seconds(3600 - 59));
    assert!(manager.cached_token().is_none());
    assert_eq!(
        manager.get_token().await.expect("new").expose_secret(),
        "token-2"
    );
}

#[tokio::test]
async fn while_the_old_token_lives_a_failing_endpoint_is_nobodys_error() {
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
    f.clock.advance(seconds(3600 - 50));
    assert_eq!(
        manager.get_token().await.expect("old").expose_secret(),
        "old"
    );
    // During the pause nobody asks.
    assert_eq!(
        manager.get_token().await.expect("old").expose_secret(),
        "old"
    );
    assert_eq!(f.token_requests().await, 2);
    f.clock.advance(seconds(1));
    assert_eq!(
        manager.get_token().await.expect("new").expose_secret(),
        "new"
    );
}

#[tokio::test]
async fn an_expired_token_is_never_handed_out() {
    let f = Fixture::without_tokens(|b| b.retries(0)).await;
    token_script([
        token_answer("old", 3600),
        failure(503, "SERVICE_UNAVAILABLE"),
    ])
    .mount(&f.server)
    .await;
    let manager = f.client.token_manager();
    manager.get_token().await.expect("a token");
    f.clock.advance(seconds(3600));
    let error = manager.get_token().await.expect_err("expired");
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::Server, Some(503))
    );
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_counts() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    manager.get_token().await.expect("a token");
    // The machine slept: the monotonic clock stood still.
    let hours = Duration::from_secs(1_767_225_600 + 7200);
    f.clock.set_wall(hours);
    assert_eq!(
        manager.get_token().await.expect("new").expose_secret(),
        "token-2"
    );
    // Somebody set the clock back: the monotonic one still counts.
    f.clock.set_wall(seconds(0));
    f.clock.advance(seconds(3600));
    assert_eq!(
        manager.get_token().await.expect("new").expose_secret(),
        "token-3"
    );
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_stop_the_request_of_others() {
    let f = Fixture::without_tokens(|b| b).await;
    let slow = token_answer("one", 3600).set_delay(Duration::from_millis(50));
    token_script([slow]).mount(&f.server).await;
    let manager = f.client.token_manager();
    let (first, second) = (manager.clone(), manager.clone());
    let impatient = tokio::spawn(async move { first.get_token().await.map(|_| ()) });
    let patient = tokio::spawn(async move { second.get_token().await });
    until(async || f.token_requests().await == 1).await;
    impatient.abort();
    let token = patient.await.expect("no panic").expect("a token");
    assert_eq!(token.expose_secret(), "one");
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn a_refused_token_is_dropped_and_tried_once_more() {
    let f = Fixture::new().await;
    f.agents([failure(401, "UNAUTHORIZED"), agent_answer()])
        .await;
    f.client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect("the agent");
    let sent: Vec<_> = f
        .requests_to("/agents/")
        .await
        .iter()
        .map(|r| {
            r.headers["authorization"]
                .to_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    assert_eq!(sent, ["Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn a_second_refusal_is_the_callers_error() {
    let f = Fixture::new().await;
    f.agents([failure(401, "UNAUTHORIZED")]).await;
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("refused");
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Authentication, "UNAUTHORIZED")
    );
    assert_eq!((f.agent_requests().await, f.token_requests().await), (2, 2));
}

#[tokio::test]
async fn many_refusals_of_one_token_make_one_new_token() {
    let f = Fixture::new().await;
    Mock::given(method("GET"))
        .respond_with(|r: &wiremock::Request| {
            if r.headers["authorization"] == "Bearer token-1" {
                failure(401, "UNAUTHORIZED")
            } else {
                agent_answer()
            }
        })
        .mount(&f.server)
        .await;
    let all = join_all((0..50).map(|_| f.client.agents().get_agent(AGENT_ID).into_future())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn clearing_forgets_the_token_and_what_is_on_its_way() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    assert_eq!(
        manager.get_token().await.expect("first").expose_secret(),
        "token-1"
    );
    f.client.clear_token_cache();
    assert!(manager.cached_token().is_none());
    assert_eq!(
        manager.get_token().await.expect("second").expose_secret(),
        "token-2"
    );
}

#[tokio::test]
async fn a_flight_whose_runtime_ended_is_replaced() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    let lost = manager.clone();
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let task = runtime.spawn(async move { lost.get_token().await });
        runtime.block_on(tokio::task::yield_now());
        drop(task);
        runtime
    });
    let runtime = other.join().expect("no panic");
    let waiting = tokio::spawn(async move { manager.get_token().await });
    tokio::task::yield_now().await;
    runtime.shutdown_background();
    waiting.await.expect("no panic").expect("a token");
}

#[tokio::test]
async fn tokens_that_arrive_expired_end_in_an_error() {
    let f = Fixture::without_tokens(|b| b).await;
    tokens(0).mount(&f.server).await;
    let error = f
        .client
        .token_manager()
        .get_token()
        .await
        .expect_err("useless");
    assert_eq!(error.kind(), ErrorKind::Decoding);
    assert_eq!(f.token_requests().await, 3);
}

#[tokio::test]
async fn a_token_that_is_no_bearer_token_is_refused() {
    let f = Fixture::without_tokens(|b| b).await;
    let strange = json!({"access_token": "t", "token_type": "mac", "expires_in": 60, "scope": ""});
    token_script([ResponseTemplate::new(200).set_body_json(strange)])
        .mount(&f.server)
        .await;
    let error = f
        .client
        .token_manager()
        .get_token()
        .await
        .expect_err("strange");
    assert_eq!(error.kind(), ErrorKind::Decoding);
}

/// Seen by hosts without tokio, which may ask from any thread.
#[test]
fn in_the_last_minute_a_caller_without_a_runtime_gets_the_token_that_serves() {
    #[derive(Debug)]
    struct TokiosTimer(ManualClock);
    impl Clock for TokiosTimer {
        fn monotonic(&self) -> Duration {
            self.0.monotonic()
        }
        fn wall(&self) -> Duration {
            self.0.wall()
        }
        fn sleep(&self, time: Duration) -> Sleep {
            SystemClock.sleep(time)
        }
        fn random(&self) -> f64 {
            self.0.random()
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let clock = ManualClock::new();
    let timer = TokiosTimer(clock.clone());
    let f = runtime.block_on(Fixture::with(|b| b.clock(timer)));
    let manager = f.client.token_manager();
    runtime.block_on(manager.get_token()).expect("a token");
    clock.advance(seconds(3590));
    let mut asked = pin!(manager.get_token());
    let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(token)) = polled else {
        panic!("{polled:?}");
    };
    assert_eq!(token.expose_secret(), "token-1");
    let renewed = async || f.token_requests().await == 2;
    runtime.block_on(until(renewed));
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_and_its_answer_named() {
    for token in ["", "one two", "caf\u{e9}", "line\n"] {
        let f = Fixture::without_tokens(|b| b).await;
        let answer = token_answer(token, 3600).insert_header("x-request-id", "odd");
        token_script([answer]).mount(&f.server).await;
        let error = f.client.token_manager().get_token().await;
        let error = error.expect_err("no token");
        assert_eq!(error.kind(), ErrorKind::Decoding, "{token:?}");
        assert_eq!(
            (error.http_status(), error.request_id()),
            (Some(200), Some("odd"))
        );
    }
}

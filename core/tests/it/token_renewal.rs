//! Renewal, clocks and refusals in the cases that go wrong elsewhere.

use std::time::Duration;

use futures_util::future::join_all;
use sentryagent_idp::{ErrorKind, TokenManager, clock::Clock as _};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{
    AGENT_ID, Fixture, SECRET, agent_answer, failure, seconds, token_answer, token_script, tokens,
    until,
};

async fn text(manager: &TokenManager) -> String {
    let token = manager.get_token().await.expect("a token");
    token.expose_secret().to_owned()
}

#[tokio::test]
async fn the_renewal_window_is_a_third_at_most_five_minutes_and_jittered() {
    // (life, chance, seconds before its end at which it is still left alone, and is renewed)
    let cases = [
        (3600, 0.0, 301, 300),
        (3600, 1.0, 271, 270),
        (3600, 0.5, 286, 285),
        (600, 0.0, 201, 200),
        (600, 1.0, 181, 180),
    ];
    for (life, chance, fresh, due) in cases {
        let f = Fixture::without_tokens(|b| b).await;
        tokens(life).mount(&f.server).await;
        f.clock.set_random(chance);
        let manager = f.client.token_manager();
        assert_eq!(text(&manager).await, "token-1");
        f.clock.advance(seconds(life - fresh));
        assert_eq!(text(&manager).await, "token-1");
        // A renewal would have to be on its way by now.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(f.token_requests().await, 1, "{life} {chance}");
        f.clock.advance(seconds(fresh - due));
        assert_eq!(text(&manager).await, "token-1");
        until(async || text(&manager).await == "token-2").await;
        assert_eq!(f.token_requests().await, 2, "{life} {chance}");
    }
}

#[tokio::test]
async fn a_short_life_is_used_up_to_its_last_third() {
    let f = Fixture::without_tokens(|b| b).await;
    f.clock.set_random(0.0);
    tokens(30).mount(&f.server).await;
    let manager = f.client.token_manager();
    assert_eq!(text(&manager).await, "token-1");
    f.clock.advance(seconds(19));
    assert!(manager.cached_token().is_some());
    f.clock.advance(seconds(1));
    assert!(manager.cached_token().is_none());
    assert_eq!(text(&manager).await, "token-2");
}

#[tokio::test]
async fn ten_thousand_callers_share_one_error_of_one_request() {
    let f = Fixture::without_tokens(|b| b).await;
    token_script([failure(401, "invalid_client")])
        .mount(&f.server)
        .await;
    let manager = f.client.token_manager();
    let all = join_all((0..10_000).map(|_| manager.get_token())).await;
    assert!(
        all.iter()
            .all(|t| t.as_ref().is_err_and(|e| e.code() == "invalid_client"))
    );
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn calls_of_all_kinds_share_the_token_endpoints_error() {
    let f = Fixture::without_tokens(|b| b).await;
    token_script([failure(403, "FORBIDDEN")])
        .mount(&f.server)
        .await;
    f.agents([agent_answer()]).await;
    let calls = join_all((0..200).map(|_| f.client.agents().get_agent(AGENT_ID).into_future()));
    let manager = f.client.token_manager();
    let (calls, token) = tokio::join!(calls, manager.get_token());
    assert!(
        calls
            .iter()
            .all(|c| c.as_ref().is_err_and(|e| e.code() == "FORBIDDEN"))
    );
    assert!(token.is_err_and(|e| e.is_permission()));
    assert_eq!((f.token_requests().await, f.agent_requests().await), (1, 0));
}

#[tokio::test]
async fn pauses_between_failing_renewals_double_up_to_thirty_seconds() {
    let f = Fixture::without_tokens(|b| b.retries(0)).await;
    f.clock.set_random(1.0);
    token_script([
        token_answer("old", 36_000),
        failure(500, "INTERNAL_SERVER_ERROR"),
    ])
    .mount(&f.server)
    .await;
    let manager = f.client.token_manager();
    assert_eq!(text(&manager).await, "old");
    // The window begins 270 s before the end.
    f.clock.advance(seconds(36_000 - 270));
    let mut made = 1;
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(text(&manager).await, "old");
        made += 1;
        until(async || f.token_requests().await == made).await;
        settled(&f).await;
        f.clock.advance(seconds(pause) - Duration::from_millis(1));
        assert_eq!(text(&manager).await, "old");
        settled(&f).await;
        assert_eq!(f.token_requests().await, made, "within {pause} s");
        f.clock.advance(Duration::from_millis(1));
    }
}

/// The failing answer has arrived at the cache: the flight's deadline no longer sleeps.
async fn settled(f: &Fixture) {
    let clock = f.clock.clone();
    until(async || clock.sleepers() == 0).await;
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_nobody_up_while_the_old_token_lives() {
    let f = Fixture::without_tokens(|b| b).await;
    let never = token_answer("late", 3600).set_delay(seconds(600));
    token_script([token_answer("old", 3600), never])
        .mount(&f.server)
        .await;
    f.agents([agent_answer()]).await;
    let manager = f.client.token_manager();
    assert_eq!(text(&manager).await, "old");
    f.clock.advance(seconds(3600 - 59));
    // Half of a call's time, then the old one serves.
    let call = f.client.agents().get_agent(AGENT_ID).timeout(seconds(4));
    let call = tokio::spawn(call.into_future());
    f.clock.sleeping(seconds(2)).await;
    f.clock.advance(seconds(2));
    call.await.expect("no panic").expect("the agent");
    // Whoever has more time waits for 5 s of the flight in all.
    let waiting = manager.clone();
    let waiting = tokio::spawn(async move { text(&waiting).await });
    f.clock.sleeping(seconds(3)).await;
    f.clock.advance(seconds(3));
    assert_eq!(waiting.await.expect("no panic"), "old");
    // From then on nobody does.
    assert_eq!(text(&manager).await, "old");
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn a_token_that_expired_on_its_way_is_not_handed_out() {
    let f = Fixture::without_tokens(|b| b.retries(0).timeout(seconds(600))).await;
    let slow = token_answer("stale", 60).set_delay(Duration::from_millis(50));
    token_script([slow, token_answer("good", 3600)])
        .mount(&f.server)
        .await;
    let manager = f.client.token_manager();
    let waiting = tokio::spawn(async move { text(&manager).await });
    until(async || f.token_requests().await == 1).await;
    f.clock.advance(seconds(61));
    assert_eq!(waiting.await.expect("no panic"), "good");
}

#[tokio::test]
async fn the_wall_clock_may_jump_either_way() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    assert_eq!(text(&manager).await, "token-1");
    // Set back by a day: the token is as old as the monotonic clock says.
    f.clock.jump_wall(-86_400_000.0);
    assert!(manager.cached_token().is_some());
    f.clock.advance(seconds(3600 - 59));
    assert!(manager.cached_token().is_none());
    assert_eq!(text(&manager).await, "token-2");
    // Forward by less than its life: nothing happens; past its end: never handed out.
    f.clock.jump_wall(1_800_000.0);
    assert_eq!(text(&manager).await, "token-2");
    f.clock.jump_wall(1_800_000.0);
    assert!(manager.cached_token().is_none());
    assert_eq!(text(&manager).await, "token-3");
}

#[tokio::test]
async fn after_a_suspend_the_token_is_fetched_anew() {
    let f = Fixture::new().await;
    let manager = f.client.token_manager();
    assert_eq!(text(&manager).await, "token-1");
    // The monotonic clock stood still while the machine slept.
    let before = f.clock.monotonic();
    f.clock.set_wall(f.clock.wall() + seconds(8 * 3600));
    assert_eq!(f.clock.monotonic(), before);
    assert_eq!(text(&manager).await, "token-2");
}

#[tokio::test]
async fn a_renewal_outlives_all_who_asked_for_it() {
    let f = Fixture::without_tokens(|b| b).await;
    let slow = token_answer("one", 3600).set_delay(Duration::from_millis(50));
    token_script([slow]).mount(&f.server).await;
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let manager = f.client.token_manager();
            tokio::spawn(async move { manager.get_token().await.map(|_| ()) })
        })
        .collect();
    until(async || f.token_requests().await == 1).await;
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    let manager = f.client.token_manager();
    until(async || manager.cached_token().is_some()).await;
    assert_eq!(f.token_requests().await, 1);
}

#[tokio::test]
async fn a_clear_during_a_flight_is_not_undone_by_its_landing() {
    let f = Fixture::without_tokens(|b| b).await;
    let slow = token_answer("before", 3600).set_delay(Duration::from_millis(50));
    token_script([slow, token_answer("after", 3600)])
        .mount(&f.server)
        .await;
    let manager = f.client.token_manager();
    let early = manager.clone();
    let early = tokio::spawn(async move { text(&early).await });
    until(async || f.token_requests().await == 1).await;
    f.client.clear_token_cache();
    // Who comes later does not join the flight of before.
    assert_eq!(text(&manager).await, "after");
    // Who waited for it is served, and the cache keeps what is newer.
    assert_eq!(early.await.expect("no panic"), "before");
    assert_eq!(text(&manager).await, "after");
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn a_refusal_of_an_old_token_leaves_its_successor_alone() {
    let f = Fixture::new().await;
    let slow = failure(401, "UNAUTHORIZED").set_delay(Duration::from_millis(50));
    f.agents([slow, agent_answer()]).await;
    let manager = f.client.token_manager();
    assert_eq!(text(&manager).await, "token-1");
    let call = tokio::spawn(f.client.agents().get_agent(AGENT_ID).into_future());
    until(async || f.agent_requests().await == 1).await;
    // Meanwhile somebody else got a new token.
    f.client.clear_token_cache();
    assert_eq!(text(&manager).await, "token-2");
    call.await.expect("no panic").expect("the agent");
    assert_eq!(text(&manager).await, "token-2");
    let sent = f.requests_to("/agents/").await;
    assert_eq!(sent[1].headers["authorization"], "Bearer token-2");
    assert_eq!(f.token_requests().await, 2);
}

#[tokio::test]
async fn a_refusal_is_repeated_even_with_no_retries_and_only_once() {
    let f = Fixture::with(|b| b.retries(0)).await;
    Mock::given(wiremock::matchers::method("GET"))
        .respond_with(|_: &wiremock::Request| failure(401, "UNAUTHORIZED"))
        .mount(&f.server)
        .await;
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("refused");
    assert_eq!(
        (error.kind(), error.retry_count()),
        (ErrorKind::Authentication, 1)
    );
    assert!(error.cause().is_some_and(|c| c.contains("UNAUTHORIZED")));
    assert_eq!(f.agent_requests().await, 2);
}

#[tokio::test]
async fn a_manager_of_its_own_has_the_same_cache() {
    let f = Fixture::new().await;
    let manager = TokenManager::new(f.server.uri(), "agent-1", SECRET, "agents:read audit:read")
        .expect("a manager");
    let all = join_all((0..100).map(|_| manager.get_token())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(f.token_requests().await, 1);
    let sent = f.requests_to("/token").await;
    let body = String::from_utf8_lossy(&sent[0].body).into_owned();
    assert!(body.contains("scope=agents%3Aread+audit%3Aread"), "{body}");
    assert!(manager.cached_token().is_some());
    manager.clear_token_cache();
    assert!(manager.cached_token().is_none());
    assert_eq!(text(&manager).await, "token-2");
    let wrong = TokenManager::new("http://example.com", "a", "b", "");
    assert!(wrong.is_err_and(|e| e.is_configuration()));
}

#[tokio::test]
async fn each_client_and_scope_has_a_token_of_its_own() {
    let f = Fixture::new().await;
    let read = TokenManager::new(f.server.uri(), "agent-1", SECRET, "agents:read").expect("one");
    let write = TokenManager::new(f.server.uri(), "agent-1", SECRET, "agents:write").expect("two");
    assert_ne!(text(&read).await, text(&write).await);
    // Clones share.
    let clone = f.client.clone();
    let first = text(&f.client.token_manager()).await;
    assert_eq!(text(&clone.token_manager()).await, first);
    assert_eq!(f.token_requests().await, 3);
}

#[tokio::test]
async fn a_token_answer_of_retries_is_waited_for_within_the_calls_time() {
    let f = Fixture::without_tokens(|b| b).await;
    let busy = ResponseTemplate::new(429)
        .insert_header("retry-after", "120")
        .set_body_json(serde_json::json!({"error": "slow_down", "code": "RATE_LIMIT_EXCEEDED"}));
    token_script([busy]).mount(&f.server).await;
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("limited");
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.retry_after(), Some(seconds(120)));
    assert_eq!(error.oauth_error(), Some("slow_down"));
    assert!(error.message().contains("120 s"), "{}", error.message());
    assert_eq!(f.token_requests().await, 1);
}

//! Rate limits over HTTP.

use std::{sync::Arc, time::Duration};

use agentidp_server::clock::{Clock, ManualClock, SystemClock};

use crate::harness::{self, Harness};

const VERIFY: &str = "/api/v1/audit/verify";

/// A server whose time stands still until it is moved.
async fn start_at(clock: &Arc<ManualClock>, max_requests: &str) -> Harness {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("RATE_LIMIT_MAX_REQUESTS", max_requests)];
    harness::start_in(folder, &variables, Arc::clone(clock) as Arc<dyn Clock>).await
}

#[tokio::test]
async fn a_client_is_told_how_it_stands_and_then_stopped() {
    let harness = harness::start_with(&[
        ("RATE_LIMIT_MAX_REQUESTS", "3"),
        ("RATE_LIMIT_WINDOW_MS", "3600000000"),
    ])
    .await;
    let token = harness.admin_token().await;
    let path = format!("/api/v1/agents/{}", harness.admin.client_id);
    for remaining in ["2", "1", "0"] {
        let answer = harness.get(&path, &token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "3");
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
    }
    let denied = harness.get(&path, &token).await;
    assert_eq!(
        (denied.status, denied.code().as_str()),
        (429, "RATE_LIMIT_EXCEEDED")
    );
    let wait: u64 = denied.header("retry-after").parse().unwrap();
    assert!((1..=7_200_000).contains(&wait), "{wait}");
    assert_eq!(denied.header("x-ratelimit-remaining"), "0");
    harness.stop().await;
}

#[tokio::test]
async fn nobody_can_lock_another_client_out_of_the_token_endpoint() {
    let harness = harness::start_with(&[
        ("RATE_LIMIT_MAX_REQUESTS", "2"),
        ("RATE_LIMIT_WINDOW_MS", "3600000000"),
    ])
    .await;
    let ask = async |client_id: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", "wrong"),
        ];
        let answer = harness.form("/oauth2/token", &fields).await;
        (answer.status, answer.text("error"))
    };
    for _ in 0..2 {
        assert_eq!(ask("attacker").await, (401, "invalid_client".to_owned()));
    }
    assert_eq!(
        ask("attacker").await,
        (429, "temporarily_unavailable".to_owned())
    );
    harness.token(&harness.admin, "agents:read").await;
    harness.stop().await;
}

#[tokio::test]
async fn verifying_the_chain_has_a_limit_of_its_own_for_each_client() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let harness = start_at(&clock, "1000").await;
    let token = harness.admin_token().await;
    let member = harness.member("m@example.com").await;
    let others = harness.token(&member, "audit:read").await;
    for remaining in (0..30).rev() {
        let answer = harness.get(VERIFY, &token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "30");
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            remaining.to_string()
        );
    }
    let denied = harness.get(VERIFY, &token).await;
    assert_eq!(
        (denied.status, denied.code().as_str()),
        (429, "RATE_LIMIT_EXCEEDED")
    );
    assert_eq!(denied.header("x-ratelimit-limit"), "30");
    assert_eq!(denied.header("x-ratelimit-remaining"), "0");
    let reset: i64 = denied.header("x-ratelimit-reset").parse().unwrap();
    assert!((0..=60_000).contains(&(reset * 1000 - clock.now().ms() / 1000 * 1000)));
    let wait: u64 = denied.header("retry-after").parse().unwrap();
    assert!((1..=120).contains(&wait), "{wait}");

    // Nobody and nothing else is stopped by it.
    assert_eq!(harness.get(VERIFY, &others).await.status, 200);
    let log = harness.get("/api/v1/audit", &token).await;
    assert_eq!((log.status, log.header("x-ratelimit-limit")), (200, "1000"));

    clock.advance(Duration::from_secs(wait));
    assert_eq!(harness.get(VERIFY, &token).await.status, 200);
    clock.advance(Duration::from_secs(120));
    let fresh = harness.get(VERIFY, &token).await;
    assert_eq!(
        (fresh.status, fresh.header("x-ratelimit-remaining")),
        (200, "29")
    );
    harness.stop().await;
}

#[tokio::test]
async fn the_headers_tell_of_the_stricter_limit() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let harness = start_at(&clock, "2").await;
    let token = harness.token(&harness.admin, "audit:read").await;
    for remaining in ["1", "0"] {
        let answer = harness.get(VERIFY, &token).await;
        assert_eq!(answer.header("x-ratelimit-limit"), "2");
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
    }
    let denied = harness.get(VERIFY, &token).await;
    assert_eq!(
        (denied.status, denied.header("x-ratelimit-limit")),
        (429, "2")
    );
    harness.stop().await;
}

#[tokio::test]
async fn no_requests_at_most_switches_every_limit_off() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let harness = start_at(&clock, "0").await;
    let token = harness.token(&harness.admin, "audit:read").await;
    for _ in 0..31 {
        let answer = harness.get(VERIFY, &token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "");
    }
    harness.stop().await;
}

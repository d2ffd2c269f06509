//! Rate limits over HTTP.

use crate::harness;

#[tokio::test]
async fn a_client_is_told_how_it_stands_and_then_stopped() {
    let harness = harness::start_with(&[
        ("RATE_LIMIT_MAX_REQUESTS", "3"),
        ("RATE_LIMIT_WINDOW_MS", "3600000"),
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
    assert!((1..=7200).contains(&wait), "{wait}");
    assert_eq!(denied.header("x-ratelimit-remaining"), "0");
    harness.stop().await;
}

#[tokio::test]
async fn nobody_can_lock_another_client_out_of_the_token_endpoint() {
    let harness = harness::start_with(&[
        ("RATE_LIMIT_MAX_REQUESTS", "2"),
        ("RATE_LIMIT_WINDOW_MS", "3600000"),
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

//! Section health over HTTP.

use crate::harness;

#[tokio::test]
async fn a_fresh_server_is_well_and_asks_nobody() {
    let harness = harness::start_with(&[("RATE_LIMIT_MAX_REQUESTS", "1")]).await;
    for _ in 0..3 {
        let health = harness.send(harness.request("GET", "/health")).await;
        assert_eq!((health.status, health.text("status").as_str()), (200, "ok"));
        assert_eq!(health.member("services")["database"], "connected");
        assert_eq!(health.header("x-ratelimit-limit"), "");
    }
    let detailed = harness
        .send(harness.request("GET", "/health/detailed"))
        .await;
    assert_eq!(
        (detailed.status, detailed.text("status").as_str()),
        (200, "healthy")
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_server_without_its_store_says_so_and_wants_no_traffic() {
    let harness = harness::start().await;
    // What it stands on closes; it listens on.
    harness.server.app().stop().await;
    let health = harness.send(harness.request("GET", "/health")).await;
    assert_eq!(
        (health.status, health.text("status").as_str()),
        (503, "degraded")
    );
    assert_eq!(health.member("services")["database"], "disconnected");
    let detailed = harness
        .send(harness.request("GET", "/health/detailed"))
        .await;
    assert_eq!(
        (detailed.status, detailed.text("status").as_str()),
        (503, "unreachable")
    );
    let services = detailed.member("services");
    assert_eq!(services["database"]["status"], "unreachable");
    assert_eq!(services["policy"]["status"], "healthy");
}

#[tokio::test]
async fn a_stopping_server_wants_no_traffic() {
    let harness = harness::start().await;
    harness.server.app().say_stopping();
    let health = harness.send(harness.request("GET", "/health")).await;
    assert_eq!(
        (health.status, health.text("status").as_str()),
        (503, "degraded")
    );
    harness.stop().await;
}

//! Stopping and starting again on the same data.

use std::sync::Arc;

use agentidp_server::clock::SystemClock;

use crate::harness;

#[tokio::test]
async fn what_was_issued_before_a_restart_still_holds_after_it() {
    let variables = [
        ("PUBLIC_URL", "http://idp.test"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ];
    let first = harness::start_with(&variables).await;
    let token = first.admin_token().await;
    let path = format!("/api/v1/agents/{}", first.admin.client_id);
    assert_eq!(first.get(&path, &token).await.status, 200);
    let address = first.server.address();
    let folder = first.stop().await;
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "it still listens"
    );

    let second = harness::start_in(folder, &variables, Arc::new(SystemClock)).await;
    assert_eq!(second.get(&path, &token).await.status, 200);
    second.stop().await;
}

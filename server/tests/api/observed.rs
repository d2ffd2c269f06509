//! What can be seen of a server from outside: metrics, one line a request, and what happens when there are too many.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agentidp_server::clock::SystemClock;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    harness::{self, Harness},
    process::Process,
};

async fn scrape(harness: &Harness) -> String {
    let response = harness.request("GET", "/metrics").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-request-id"));
    response.text().await.unwrap()
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|have| have == line)
}

#[tokio::test]
async fn metrics_tell_of_requests_by_template_and_of_what_was_made() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    for id in ["0192f8c4-0000-7000-8000-000000000000", "nonsense"] {
        let answer = harness.get(&format!("/api/v1/agents/{id}"), &token).await;
        assert_eq!(answer.status, 404);
    }
    let register = harness
        .request("POST", "/api/v1/agents")
        .bearer_auth(&token)
        .json(&json!({
            "email": "seen@example.com", "agentType": "router", "version": "1.0.0",
            "capabilities": [], "owner": "risk", "deploymentEnv": "staging"
        }));
    assert_eq!(harness.send(register).await.status, 201);
    harness.token(&harness.admin, "agents:read openid").await;
    for path in ["/no/such/path", "/another/one"] {
        let nowhere = harness.send(harness.request("GET", path)).await;
        assert_eq!(nowhere.status, 404);
    }
    let text = scrape(&harness).await;
    for line in [
        r#"agentidp_http_requests_total{method="GET",route="/api/v1/agents/:id",status_code="404"} 2"#,
        r#"agentidp_http_requests_total{method="POST",route="/api/v1/agents",status_code="201"} 1"#,
        r#"agentidp_http_requests_total{method="GET",route="unmatched",status_code="404"} 2"#,
        r#"agentidp_http_request_duration_seconds_count{method="POST",route="/api/v1/token",status_code="200"} 2"#,
        r#"agentidp_agents_registered_total{deployment_env="staging"} 1"#,
        r#"agentidp_tokens_issued_total{scope="agents:read openid"} 1"#,
        "agentidp_oidc_tokens_issued_total 1",
        r#"agentidp_db_query_duration_seconds_count{operation="agents.insert"} 1"#,
        "agentidp_db_pool_waiting_requests 0",
        "# EOF",
    ] {
        assert!(has(&text, line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("0192f8c4") && !text.contains("nonsense"));
    harness.stop().await;
}

#[tokio::test]
async fn whoever_scrapes_is_answered_in_a_format_that_it_knows() {
    let harness = harness::start_with(&[("RATE_LIMIT_MAX_REQUESTS", "1")]).await;
    for (accept, media) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ] {
        let request = harness.request("GET", "/metrics").header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], media);
        assert!(!response.headers().contains_key("x-ratelimit-limit"));
    }
    harness.stop().await;
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_nowhere_else() {
    let harness = harness::start_with(&[("METRICS_ADDR", "127.0.0.1:0")]).await;
    let beside = harness.send(harness.request("GET", "/metrics")).await;
    assert_eq!(beside.status, 404);
    let address = harness.server.metrics_address().unwrap();
    let text = async |path: &str| {
        let url = format!("http://{address}{path}");
        let response = harness.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, metrics) = text("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains(r#"route="unmatched",status_code="404"} 1"#));
    // What is not there is told as everywhere.
    let url = format!("http://{address}/health");
    let elsewhere = harness.http.get(url).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404);
    assert_eq!(elsewhere.headers()["x-content-type-options"], "nosniff");
    assert!(elsewhere.headers().contains_key("x-request-id"));
    assert!(elsewhere.text().await.unwrap().contains("NOT_FOUND"));
    harness.stop().await;
}

/// A request that waits for its body for as long as the connection is kept.
async fn occupy(harness: &Harness) -> TcpStream {
    let mut stream = TcpStream::connect(harness.server.address()).await.unwrap();
    let head = "POST /api/v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused_at_once_and_health_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let off = [("RATE_LIMIT_MAX_REQUESTS", "0")];
    let harness = harness::start_adjusted(folder, &off, Arc::new(SystemClock), |config| {
        config.requests_max = 1;
    })
    .await;
    let held = occupy(&harness).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    let refused = loop {
        let answer = harness.form("/oauth2/token", &harness.admin.form()).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(Instant::now() < deadline, "it is never refused");
    };
    assert_eq!(refused.status, 503);
    assert_eq!(refused.text("error"), "temporarily_unavailable");
    assert_eq!(refused.code(), "SERVICE_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "1");
    let other = harness.get("/api/v1/agents", "x").await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (503, "SERVICE_UNAVAILABLE")
    );
    let health = harness.send(harness.request("GET", "/health")).await;
    assert_eq!(health.status, 200);

    // The client goes away: its place is free again, and it is not forgotten.
    drop(held);
    while harness
        .form("/oauth2/token", &harness.admin.form())
        .await
        .status
        != 200
    {
        assert!(Instant::now() < deadline, "the place is never free again");
    }
    let text = scrape(&harness).await;
    let gone = r#"agentidp_http_requests_total{method="POST",route="/api/v1/token",status_code="#;
    assert!(
        text.lines()
            .any(|line| line.starts_with(&format!("{gone}\"400\"}}"))
                || line.starts_with(&format!("{gone}\"499\"}}"))),
        "{text}"
    );
    harness.stop().await;
}

#[test]
fn the_log_has_one_line_a_request_and_never_a_secret() {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::start(data.path(), &[("RUST_LOG", "trace")]);
    let first: Value =
        serde_json::from_slice(&std::fs::read(data.path().join("bootstrap.json")).unwrap())
            .unwrap();
    let text = |name: &str| first[name].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://127.0.0.1:{}", process.port);
    let token = runtime.block_on(async {
        let (id, secret) = (text("clientId"), text("clientSecret"));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", &secret),
        ];
        let url = format!("{base}/api/v1/token");
        let answer: Value = client
            .post(url)
            .form(&form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        let url = format!("{base}/api/v1/agents/{id}?nonsense=1");
        let request = client
            .get(url)
            .bearer_auth(&token)
            .header("x-request-id", "seen-1");
        assert_eq!(request.send().await.unwrap().status(), 400);
        let request = client
            .get(format!("{base}/health"))
            .header("x-request-id", "seen-2");
        assert_eq!(request.send().await.unwrap().status(), 200);
        token
    });
    let access = |line: &Value| line["target"] == "agentidp::access";
    let issued = process.finds(access);
    assert_eq!(issued["route"], "/api/v1/token");
    assert_eq!(issued["agent"], text("clientId"));
    let line = process.finds(access);
    assert_eq!(line["request_id"], "seen-1");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/api/v1/agents/:id");
    assert_eq!(line["status"], 400);
    assert_eq!(line["agent"], text("clientId"));
    assert_eq!(line["organization"], text("organizationId"));
    assert_eq!(line["level"], "INFO");
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line}");
    let health = process.finds(access);
    assert_eq!(
        (&health["request_id"], &health["level"]),
        (&json!("seen-2"), &json!("DEBUG"))
    );
    let (said, code) = process.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Shutting down gracefully..."), "{said}");
    for secret in [text("clientSecret"), token] {
        assert!(!said.contains(&secret));
    }
}

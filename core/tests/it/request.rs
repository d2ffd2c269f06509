//! What goes over the wire.

use sentryagent_idp::{
    AgentIdPClient, ErrorKind,
    models::{IssueTokenRequest, ListAgentsParams},
};
use wiremock::Request;

use crate::support::{AGENT_ID, Fixture, SECRET, TOKEN_PATH, agent_answer, failure};

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).and_then(|v| v.to_str().ok())
}

fn form(request: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

#[tokio::test]
async fn a_call_carries_the_token_and_says_who_calls() {
    let f = Fixture::with(|b| b.header("x-team", "hr")).await;
    f.agents([agent_answer()]).await;
    let call = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .request_id("req-7")
        .header("traceparent", "00-1");
    call.await.expect("the agent");
    let sent = &f.requests_to("/agents/").await[0];
    assert_eq!(sent.url.path(), format!("/api/v1/agents/{AGENT_ID}"));
    assert_eq!(header(sent, "authorization"), Some("Bearer token-1"));
    assert_eq!(header(sent, "x-team"), Some("hr"));
    assert_eq!(header(sent, "traceparent"), Some("00-1"));
    assert_eq!(header(sent, "x-request-id"), Some("req-7"));
    assert_eq!(header(sent, "accept"), Some("application/json"));
    assert!(header(sent, "accept-encoding").is_some_and(|v| v.contains("gzip")));
    assert_eq!(header(sent, "idempotency-key"), None);
    let agent = header(sent, "user-agent").expect("a user agent");
    assert!(
        agent.starts_with(&format!(
            "sentryagent-idp/{} (rust 1.",
            env!("CARGO_PKG_VERSION")
        )),
        "{agent}"
    );
}

#[tokio::test]
async fn the_token_request_is_a_form_with_what_the_client_knows() {
    let f = Fixture::new().await;
    f.client.token_manager().get_token().await.expect("a token");
    let sent = &f.requests_to(TOKEN_PATH).await[0];
    assert_eq!(
        header(sent, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(header(sent, "authorization"), None);
    let expected = [
        pair("scope", "agents:read agents:write tokens:read audit:read"),
        pair("grant_type", "client_credentials"),
        pair("client_id", "agent-1"),
        pair("client_secret", SECRET),
    ];
    assert_eq!(form(sent), expected);
}

#[tokio::test]
async fn given_fields_win_and_our_secret_is_not_sent_with_a_foreign_id() {
    let f = Fixture::new().await;
    let request = IssueTokenRequest::new().with_client_id("somebody-else");
    f.client
        .tokens()
        .issue_token(request)
        .await
        .expect("a token");
    let request = IssueTokenRequest::new()
        .with_client_secret("sk_other")
        .with_scope("a b&c");
    f.client
        .tokens()
        .issue_token(request)
        .await
        .expect("a token");
    let sent = f.requests_to(TOKEN_PATH).await;
    assert!(
        !form(&sent[0])
            .iter()
            .any(|(name, _)| name == "client_secret")
    );
    assert!(form(&sent[1]).contains(&pair("client_secret", "sk_other")));
    assert!(form(&sent[1]).contains(&pair("client_id", "agent-1")));
    assert!(form(&sent[1]).contains(&pair("scope", "a b&c")));
}

#[tokio::test]
async fn an_id_cannot_leave_its_place_in_the_path() {
    let f = Fixture::new().await;
    f.agents([failure(404, "AGENT_NOT_FOUND")]).await;
    for (id, path) in [
        ("../token?x=1#y", "/api/v1/agents/..%2Ftoken%3Fx%3D1%23y"),
        ("a b/ü", "/api/v1/agents/a%20b%2F%C3%BC"),
    ] {
        let error = f
            .client
            .agents()
            .get_agent(id)
            .await
            .expect_err("no such agent");
        assert!(error.is_not_found());
        let sent = f.requests_to("/agents/").await;
        assert_eq!(sent.last().expect("a request").url.path(), path);
    }
    for id in ["", ".", ".."] {
        let error = f.client.agents().get_agent(id).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert_eq!(error.details().expect("details")["field"], "agentId");
    }
    assert_eq!(f.agent_requests().await, 2);
}

#[tokio::test]
async fn a_prefix_of_the_base_url_is_kept() {
    let f = Fixture::new().await;
    let base = format!("{}/idp/", f.server.uri());
    let prefixed = Fixture::with(|b| b.base_url(base)).await;
    let error = prefixed
        .client
        .tokens()
        .issue_token(None)
        .await
        .expect_err("nothing there");
    assert!(error.is_not_found());
    assert_eq!(
        f.requests_to(TOKEN_PATH).await[0].url.path(),
        "/idp/api/v1/token"
    );
}

#[tokio::test]
async fn headers_that_break_the_request_are_refused() {
    let f = Fixture::new().await;
    for (name, value) in [
        ("content-length", "1"),
        ("Host", "x"),
        ("bad name", "x"),
        ("x-ok", "a\r\nb: c"),
    ] {
        let error = f
            .client
            .agents()
            .get_agent(AGENT_ID)
            .header(name, value)
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}");
    }
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .request_id("a b")
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(f.agent_requests().await, 0);
}

#[tokio::test]
async fn a_request_id_that_the_server_would_not_keep_is_refused() {
    let f = Fixture::new().await;
    for id in ["", "a/b", "a:b", "\u{e9}", &"x".repeat(129)] {
        let call = f.client.agents().get_agent(AGENT_ID).request_id(id);
        let error = call.await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Validation, "{id}");
        assert!(error.to_string().contains("requestId"), "{error}");
    }
    assert_eq!(f.agent_requests().await, 0);
}

#[tokio::test]
async fn an_argument_that_fits_no_url_is_refused_by_its_name() {
    let f = Fixture::new().await;
    let long = "x".repeat(70_000);
    let by_path = f.client.agents().get_agent(long.as_str()).await;
    let params = ListAgentsParams::new()
        .with_q(long.as_str())
        .with_owner("team");
    let by_query = f.client.agents().list_agents(params).await;
    for (name, error) in [
        ("agentId", by_path.expect_err("refused")),
        ("q", by_query.expect_err("refused")),
    ] {
        assert_eq!(error.kind(), ErrorKind::Validation, "{name}");
        assert_eq!(error.message(), format!("{name}: is too long for a URL"));
    }
    assert_eq!(f.agent_requests().await, 0);
}

#[tokio::test]
async fn a_call_may_bring_its_own_authorization() {
    let f = Fixture::new().await;
    f.agents([agent_answer()]).await;
    let call = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .header("Authorization", "Bearer mine");
    call.await.expect("the agent");
    assert_eq!(
        header(&f.requests_to("/agents/").await[0], "authorization"),
        Some("Bearer mine")
    );
    assert_eq!(f.token_requests().await, 0);
}

#[tokio::test]
async fn a_client_may_bring_its_own_authorization() {
    let f = Fixture::with(|b| b.header("authorization", "Bearer mine")).await;
    f.agents([agent_answer()]).await;
    f.client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect("the agent");
    assert_eq!(
        header(&f.requests_to("/agents/").await[0], "authorization"),
        Some("Bearer mine")
    );
    f.client.tokens().issue_token(None).await.expect("a token");
    assert_eq!(
        header(&f.requests_to(TOKEN_PATH).await[0], "authorization"),
        None
    );
    assert!(!format!("{:?} {}", f.client, f.client.explain_configuration()).contains("mine"));
}

#[tokio::test]
async fn raw_access_shows_what_came_around_the_value() {
    let f = Fixture::new().await;
    f.agents([agent_answer()
        .insert_header("X-Request-Id", "req-3")
        .insert_header("X-RateLimit-Limit", "100")])
        .await;
    let raw = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .raw()
        .await
        .expect("the agent");
    assert_eq!(
        (raw.status, raw.request_id.as_deref(), raw.retry_count),
        (200, Some("req-3"), 0)
    );
    assert_eq!(raw.header("X-RATELIMIT-LIMIT"), Some("100"));
    assert_eq!(raw.value.agent_id, AGENT_ID);
    assert!(raw.headers().iter().any(|(name, _)| name == "content-type"));
}

#[tokio::test]
async fn headers_of_the_sdk_and_of_proxies_are_refused_and_nothing_is_smuggled_in() {
    let f = Fixture::new().await;
    for (name, value) in [
        ("Host", "elsewhere"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "close"),
        ("accept", "*/*"),
        // It says what the SDK is, in a form that is fixed.
        ("User-Agent", "tool/1"),
        // Through a tunnel it would go to the server.
        ("Proxy-Authorization", "Basic Zm94OmFsbA=="),
        ("x-team", "hr\r\nx-role: admin"),
        ("x-team", "hr\nx-role: admin"),
        ("x-team", "hr\0"),
        ("x-team: a\r\nx-role", "admin"),
        ("x team", "hr"),
        ("", "hr"),
    ] {
        let call = f.client.agents().get_agent(AGENT_ID).header(name, value);
        let error = call.await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}");
        assert!(!error.message().contains("Zm94"), "{error}");
        let builder = AgentIdPClient::builder()
            .base_url(f.server.uri())
            .client_id("agent-1")
            .client_secret("secret")
            .header(name, value);
        assert!(builder.build().is_err(), "{name}");
    }
    assert_eq!(f.agent_requests().await + f.token_requests().await, 0);
}

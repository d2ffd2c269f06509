//! Lists that fetch as they are read.

use futures_util::{StreamExt as _, TryStreamExt as _};
use sentryagent_idp::models::{ListAgentsParams, QueryAuditLogParams};
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers::path};

use crate::support::{Fixture, Script, agent, failure};

const TOTAL: u64 = 5;

/// Five agents, two a page.
async fn numbered(f: &Fixture) {
    Mock::given(path("/api/v1/agents"))
        .respond_with(|r: &Request| {
            let query: std::collections::HashMap<_, _> = r.url.query_pairs().into_owned().collect();
            let page: u64 = query
                .get("page")
                .map_or(1, |p| p.parse().expect("a number"));
            let count = TOTAL.saturating_sub((page - 1) * 2).min(2);
            let data: Vec<Value> = (0..count).map(|_| agent()).collect();
            ResponseTemplate::new(200)
                .set_body_json(json!({"data": data, "total": TOTAL, "page": page, "limit": 2}))
        })
        .mount(&f.server)
        .await;
}

fn queries(requests: &[Request]) -> Vec<&str> {
    requests
        .iter()
        .map(|r| r.url.query().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn numbered_pages_are_read_to_the_end() {
    let f = Fixture::new().await;
    numbered(&f).await;
    let params = ListAgentsParams::new().with_status("active").with_limit(2);
    let all: Vec<_> = f
        .client
        .agents()
        .list_agents_stream(params)
        .try_collect()
        .await
        .expect("all");
    assert_eq!(all.len(), 5);
    let sent = f.requests_to("/agents").await;
    let expected = [
        "status=active&limit=2",
        "status=active&limit=2&page=2",
        "status=active&limit=2&page=3",
    ];
    assert_eq!(queries(&sent), expected);
}

#[tokio::test]
async fn nothing_is_read_ahead() {
    let f = Fixture::new().await;
    numbered(&f).await;
    let stream = f.client.agents().list_agents_stream(None);
    assert_eq!(f.requests_to("/agents").await.len(), 0);
    let two: Vec<_> = stream.take(2).try_collect().await.expect("two");
    assert_eq!((two.len(), f.requests_to("/agents").await.len()), (2, 1));
}

#[tokio::test]
async fn an_error_ends_the_stream() {
    let f = Fixture::new().await;
    let page = json!({"data": [agent()], "total": 9, "page": 1, "limit": 1});
    Mock::given(path("/api/v1/agents"))
        .respond_with(Script::new([
            ResponseTemplate::new(200).set_body_json(page),
            failure(403, "INSUFFICIENT_SCOPE"),
        ]))
        .mount(&f.server)
        .await;
    let outcomes: Vec<_> = f.client.agents().list_agents_stream(None).collect().await;
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes[0].is_ok());
    assert!(
        outcomes[1]
            .as_ref()
            .is_err_and(sentryagent_idp::Error::is_permission)
    );
}

/// A server that does not look at `page` or `cursor`.
#[tokio::test]
async fn a_list_that_does_not_go_on_ends_in_an_error() {
    let f = Fixture::new().await;
    let page = json!({"data": [agent()], "total": 9, "page": 1, "limit": 1});
    Mock::given(path("/api/v1/agents"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&f.server)
        .await;
    let page = json!({"data": [event()], "total": 9, "totalIsExact": true, "page": 1, "limit": 1, "nextCursor": "c"});
    Mock::given(path("/api/v1/audit"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&f.server)
        .await;
    // Without an end there would be no third item to look at.
    let agents = f.client.agents().list_agents_stream(None).take(3);
    let agents: Vec<_> = agents.map(|item| item.map(|_| ())).collect().await;
    let events = f.client.audit().query_audit_log_stream(None).take(3);
    let events: Vec<_> = events.map(|item| item.map(|_| ())).collect().await;
    for outcomes in [agents, events] {
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes[0].is_ok());
        let error = outcomes[1].as_ref().expect_err("it stands still");
        assert!(error.is_decoding(), "{error}");
    }
    assert_eq!(f.requests_to("/agents").await.len(), 2);
}

#[tokio::test]
async fn chained_pages_follow_the_cursor() {
    let f = Fixture::new().await;
    let page = |cursor: Option<&str>| {
        let mut body =
            json!({"data": [event()], "total": 2, "totalIsExact": true, "page": 1, "limit": 1});
        if let Some(cursor) = cursor {
            body["nextCursor"] = cursor.into();
        }
        ResponseTemplate::new(200).set_body_json(body)
    };
    Mock::given(path("/api/v1/audit"))
        .respond_with(Script::new([page(Some("c 1")), page(None)]))
        .mount(&f.server)
        .await;
    let params = QueryAuditLogParams::new()
        .with_page(1)
        .with_from_date("2026-03-28");
    let all: Vec<_> = f
        .client
        .audit()
        .query_audit_log_stream(params)
        .try_collect()
        .await
        .expect("all");
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].metadata["actorId"], "someone");
    let sent = f.requests_to("/audit").await;
    assert_eq!(
        queries(&sent),
        [
            "fromDate=2026-03-28&page=1",
            "fromDate=2026-03-28&cursor=c+1"
        ]
    );
}

fn event() -> Value {
    json!({
        "eventId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a12", "sequence": 1,
        "organizationId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00", "agentId": null,
        "action": "agent.created", "outcome": "success", "ipAddress": "127.0.0.1", "userAgent": "x",
        "metadata": {"actorId": "someone"}, "timestamp": "2026-03-28T09:00:00.000Z", "salt": "00",
        "payloadHash": "00", "previousHash": "", "hash": "00",
    })
}

//! `traceparent` is passed on where there is one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::support::{AGENT_ID, Fixture, agent_answer, failure};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn sent(f: &Fixture, part: &str) -> Vec<Option<String>> {
    let requests = f.requests_to(part).await;
    let value = |r: &wiremock::Request| {
        r.headers
            .get("traceparent")?
            .to_str()
            .ok()
            .map(str::to_owned)
    };
    requests.iter().map(value).collect()
}

#[tokio::test]
async fn the_hook_is_asked_once_a_call_and_not_for_tokens() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let f = Fixture::with(|b| {
        b.traceparent(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Some(TRACE.to_owned())
        })
    })
    .await;
    let busy = failure(503, "SERVICE_UNAVAILABLE").insert_header("retry-after", "0");
    f.agents([busy, agent_answer()]).await;
    let agents = f.client.agents();
    agents.get_agent(AGENT_ID).await.expect("the agent");
    // Both tries belong to the trace; a token's renewal serves many.
    let trace = Some(TRACE.to_owned());
    assert_eq!(sent(&f, "/agents/").await, [trace.clone(), trace]);
    assert_eq!(sent(&f, "/token").await, [None]);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_header_of_the_calls_own_wins() {
    let f = Fixture::with(|b| b.traceparent(|| Some(TRACE.to_owned()))).await;
    f.agents([agent_answer()]).await;
    let call = f.client.agents().get_agent(AGENT_ID);
    let call = call
        .header("Traceparent", "00-mine")
        .header("tracestate", "a=1");
    call.await.expect("the agent");
    assert_eq!(sent(&f, "/agents/").await, [Some("00-mine".to_owned())]);
    let requests = f.requests_to("/agents/").await;
    assert_eq!(requests[0].headers["tracestate"], "a=1");
}

#[tokio::test]
async fn no_trace_and_nonsense_fail_no_call() {
    for answer in [None, Some(String::new()), Some("a\r\nb: c".to_owned())] {
        let f = Fixture::with(|b| b.traceparent(move || answer.clone())).await;
        f.agents([agent_answer()]).await;
        let agents = f.client.agents();
        agents.get_agent(AGENT_ID).await.expect("the agent");
        assert_eq!(sent(&f, "/agents/").await, [None]);
    }
}

//! Section agents over HTTP.

use crate::harness;

#[tokio::test]
async fn an_agent_reads_itself() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let path = format!("/api/v1/agents/{}", harness.admin.client_id);
    let answer = harness.get(&path, &token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text("agentId"), harness.admin.client_id);
    assert_eq!(answer.text("organizationId"), harness.admin.organization_id);
    assert_eq!(answer.text("role"), "admin");

    let unknown = harness
        .get(&format!("{path}?verbose=1&verbose=2&a=%00"), &token)
        .await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (400, "VALIDATION_ERROR")
    );
    assert_eq!(unknown.faults(), ["verbose", "verbose", "a"]);

    let head = harness
        .send(harness.request("HEAD", &path).bearer_auth(&token))
        .await;
    assert_eq!((head.status, head.body), (200, None));
    harness.stop().await;
}

//! Tokens that their issuer has ended.

use sentryagent_idp::{AgentIdPClient, ErrorKind};
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::issuer::{Fixture, ed25519, header, signed, with};
use crate::support::{SECRET, failure, mock_server, tokens};

/// A server whose introspection answers this.
async fn server(answer: ResponseTemplate) -> (MockServer, AgentIdPClient) {
    let server = mock_server().await;
    tokens(3600).mount(&server).await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let client = AgentIdPClient::builder()
        .base_url(server.uri())
        .client_id("agent-1")
        .client_secret(SECRET)
        .retries(0)
        .build()
        .expect("a client");
    (server, client)
}

#[tokio::test]
async fn a_revoked_token_is_refused() {
    let key = ed25519("ed-1");
    for (active, wanted) in [(true, None), (false, Some("revoked"))] {
        let answer = ResponseTemplate::new(200).set_body_json(json!({"active": active}));
        let (server, client) = server(answer).await;
        let f = Fixture::with(&[&key], |b| b.client(&client)).await;
        let token = f.token(&key);
        let refusal = f.verifier.verify(&token).await.err();
        let reason = refusal
            .as_ref()
            .and_then(|e| e.details()?["reason"].as_str());
        assert_eq!(reason, wanted);
        // Only the issuer can say: nothing is told at once, but for what does not hold anyway.
        assert!(f.verifier.verify_now(&token, &[]).is_none());
        let expired = signed(&header(&key), &with(f.claims(), "exp", 1), &key);
        assert!(
            f.verifier
                .verify_now(&expired, &[])
                .expect("at once")
                .is_err()
        );
        assert!(f.verifier.verify(&expired).await.is_err());
        let asked = server.received_requests().await.expect("requests");
        let bodies: Vec<String> = asked
            .iter()
            .map(|r| String::from_utf8_lossy(&r.body).into_owned())
            .filter(|body| body.starts_with("token="))
            .collect();
        assert_eq!(bodies, [format!("token={token}")]);
    }
}

#[tokio::test]
async fn no_answer_is_no_verdict() {
    let key = ed25519("ed-1");
    let (_server, client) = server(ResponseTemplate::new(500)).await;
    let f = Fixture::with(&[&key], |b| b.client(&client)).await;
    let error = f
        .verifier
        .verify(&f.token(&key))
        .await
        .expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Server);
    client.close();
    let error = f.verifier.verify(&f.token(&key)).await.expect_err("closed");
    assert_eq!(error.code(), "CLIENT_CLOSED");
}

/// A secret that was replaced, or a scope that was not granted, is the service's own mistake.
#[tokio::test]
async fn a_client_that_may_not_ask_is_no_verdict() {
    let key = ed25519("ed-1");
    for (status, code) in [(401, "UNAUTHORIZED"), (403, "INSUFFICIENT_SCOPE")] {
        let (_server, client) = server(failure(status, code)).await;
        let f = Fixture::with(&[&key], |b| b.client(&client)).await;
        let error = f
            .verifier
            .verify(&f.token(&key))
            .await
            .expect_err("unknown");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert_eq!(error.http_status(), Some(status));
        assert!(error.cause().is_some_and(|c| c.contains(code)), "{error:?}");
    }
}

//! Secrets do not show.

use sentryagent_idp::{Secret, models::IssueTokenRequest};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{Fixture, SECRET, token_script};

#[tokio::test]
async fn no_debug_and_no_explanation_shows_one() {
    let f = Fixture::new().await;
    f.client.token_manager().get_token().await.expect("a token");
    let token = f.client.tokens().issue_token(None).await.expect("a token");
    let request = IssueTokenRequest::new().with_client_secret(SECRET);
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {}",
        f.client,
        f.client.token_manager(),
        token,
        request,
        Secret::new(SECRET),
        f.client.explain_configuration(),
    );
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!shown.contains("token-"), "{shown}");
    assert!(shown.contains("agent-1"));
}

#[tokio::test]
async fn an_undecodable_token_answer_is_not_repeated_in_the_error() {
    let f = Fixture::without_tokens(|b| b.retries(0)).await;
    let body = json!({"access_token": "a-secret", "token_type": "Bearer", "expires_in": "a-secret", "scope": ""});
    token_script([ResponseTemplate::new(200).set_body_json(body)])
        .mount(&f.server)
        .await;
    for error in [
        f.client
            .token_manager()
            .get_token()
            .await
            .expect_err("undecodable"),
        f.client
            .tokens()
            .issue_token(None)
            .await
            .map(|_| ())
            .expect_err("undecodable"),
    ] {
        let shown = format!("{error} {error:?} {}", error.to_json());
        assert!(error.is_decoding());
        assert!(!shown.contains("a-secret"), "{shown}");
    }
}

#[tokio::test]
async fn a_connection_error_shows_no_secret() {
    let f = Fixture::with(|b| b.base_url("http://127.0.0.1:1").retries(0)).await;
    let error = f
        .client
        .tokens()
        .issue_token(None)
        .await
        .expect_err("nobody there");
    let shown = format!("{error} {error:?} {}", error.to_json());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn secrets_are_compared_whole() {
    assert_eq!(Secret::new("abc"), Secret::from("abc"));
    assert_ne!(Secret::new("abc"), Secret::new("abd"));
    assert_ne!(Secret::new("abc"), Secret::new("ab"));
}

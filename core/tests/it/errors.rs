//! What an error says.

use sentryagent_idp::{Error, ErrorKind};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{AGENT_ID, Fixture, SECRET, agent, failure, token_answer, token_script};

async fn error_of(answer: ResponseTemplate) -> Error {
    let f = Fixture::with(|b| b.retries(0)).await;
    f.agents([answer]).await;
    f.client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("an error")
}

#[tokio::test]
async fn the_kind_follows_from_the_status() {
    let kinds = [
        (401, ErrorKind::Authentication),
        (403, ErrorKind::Permission),
        (404, ErrorKind::NotFound),
        (410, ErrorKind::NotFound),
        (409, ErrorKind::Conflict),
        (400, ErrorKind::Validation),
        (405, ErrorKind::Validation),
        (413, ErrorKind::Validation),
        (415, ErrorKind::Validation),
        (422, ErrorKind::Validation),
        (408, ErrorKind::Timeout),
        (429, ErrorKind::RateLimit),
        (500, ErrorKind::Server),
        (599, ErrorKind::Server),
        (302, ErrorKind::Decoding),
        (206, ErrorKind::Decoding),
    ];
    for (status, kind) in kinds {
        let error = error_of(failure(status, "SOME_CODE")).await;
        assert_eq!((error.kind(), error.http_status()), (kind, Some(status)));
    }
}

#[tokio::test]
async fn the_envelope_is_kept() {
    let details = json!({"errors": [{"field": "a", "reason": "b"}]});
    let body = json!({"code": "VALIDATION_ERROR", "message": "a: b", "details": details});
    let answer = ResponseTemplate::new(400)
        .insert_header("x-request-id", "req-9")
        .set_body_json(body);
    let error = error_of(answer).await;
    assert!(error.is_validation());
    assert_eq!(error.code(), "VALIDATION_ERROR");
    assert_eq!(error.message(), "a: b");
    assert_eq!(error.request_id(), Some("req-9"));
    assert_eq!(error.details(), Some(&details));
    assert_eq!(error.to_string(), "VALIDATION_ERROR: a: b (request req-9)");
}

#[tokio::test]
async fn the_record_has_every_key() {
    let error =
        error_of(failure(429, "RATE_LIMIT_EXCEEDED").insert_header("retry-after", "3")).await;
    let mut record = error.to_json();
    let headers = record["headers"].take();
    assert_eq!(headers["retry-after"], "3");
    assert_eq!(
        record,
        json!({
            "kind": "rate_limit", "code": "RATE_LIMIT_EXCEEDED", "message": "It failed.",
            "httpStatus": 429, "requestId": "req-1", "headers": null, "retryable": true, "retryAfter": 3,
            "details": null, "oauthError": null, "retryCount": 0, "cause": null,
        })
    );
}

#[tokio::test]
async fn an_answer_that_says_nothing_keeps_its_status() {
    for body in [
        "",
        "<html>Bad Gateway</html>",
        "[1]",
        "{\"code\": 7}",
        "{\"code\": \"\"}",
    ] {
        let error = error_of(ResponseTemplate::new(502).set_body_string(body)).await;
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Server, "HTTP_502"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_a_decoding_error() {
    let json = "application/json";
    let answers = [
        ResponseTemplate::new(200).set_body_raw("{\"agentId\": ", json),
        ResponseTemplate::new(200).set_body_raw("", json),
        ResponseTemplate::new(200).set_body_raw("[]", json),
        ResponseTemplate::new(200).set_body_raw("{}", json),
        ResponseTemplate::new(200).set_body_raw("{}", "text/html"),
        ResponseTemplate::new(200),
    ];
    for answer in answers {
        let error = error_of(answer).await;
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Decoding, "DECODING_ERROR")
        );
        assert_eq!(error.http_status(), Some(200));
    }
}

#[tokio::test]
async fn an_error_keeps_its_answers_headers() {
    let odd = || failure(404, "AGENT_NOT_FOUND").insert_header("X-Odd", "1");
    let answer = odd().append_header("x-odd", "2");
    let error = error_of(answer.insert_header("set-cookie", "id=s3cret")).await;
    assert_eq!(error.header("set-cookie"), None);
    assert_eq!(error.header("X-ODD"), Some("1"));
    assert_eq!(
        error.headers().iter().filter(|(n, _)| n == "x-odd").count(),
        2
    );
    assert_eq!(error.to_json()["headers"]["x-odd"], "1, 2");
    // An answer that cannot be decoded is an answer too.
    let unreadable = ResponseTemplate::new(200).insert_header("x-odd", "3");
    assert_eq!(error_of(unreadable).await.header("x-odd"), Some("3"));
    let broken = ResponseTemplate::new(200)
        .insert_header("x-odd", "4")
        .set_body_raw("{}", "application/json");
    assert_eq!(error_of(broken).await.header("x-odd"), Some("4"));
    // Without an answer there are none.
    let f = Fixture::with(|b| b.base_url("http://127.0.0.1:1").retries(0)).await;
    let error = f
        .client
        .tokens()
        .issue_token(None)
        .await
        .expect_err("nobody there");
    assert!(error.headers().is_empty());
    assert!(error.to_json()["headers"].is_null());
}

#[test]
fn an_error_is_an_error() {
    fn check<E: std::error::Error + Send + Sync + Clone + 'static>() {}
    check::<Error>();
}

/// Some gateways answer with the request that they refuse.
#[tokio::test]
async fn what_an_answer_repeats_of_the_requests_secrets_is_masked() {
    let token = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl";
    let repeating = |status: u16| {
        let said = format!("client_secret={SECRET} authorization: Bearer {token}");
        ResponseTemplate::new(status)
            .insert_header("x-request", said.as_str())
            .set_body_json(json!({"code": "WAF", "message": said, "details": {"request": [said]}}))
    };
    let f = Fixture::without_tokens(|b| b.retries(0)).await;
    token_script([token_answer(token, 3600)])
        .mount(&f.server)
        .await;
    f.agents([repeating(400), repeating(302)]).await;
    for status in [400, 302] {
        let call = f.client.agents().get_agent(AGENT_ID);
        let error = call.await.expect_err("refused");
        assert_eq!(error.http_status(), Some(status));
        let shown = format!(
            "{error} {error:?} {} {:?}",
            error.to_json(),
            error.headers()
        );
        assert!(!shown.contains(SECRET) && !shown.contains(token), "{shown}");
        assert!(shown.contains("client_secret=***"), "{shown}");
    }
    let f = Fixture::without_tokens(|b| b.retries(0)).await;
    token_script([repeating(400)]).mount(&f.server).await;
    let error = f.client.token_manager().get_token().await;
    let shown = format!("{:?}", error.expect_err("refused"));
    assert!(shown.contains("client_secret=***"), "{shown}");
}

#[tokio::test]
async fn a_wrong_value_is_not_repeated_at_any_length() {
    let mut value = agent();
    value["createdAt"] = "x".repeat(1_000_000).into();
    let error = error_of(ResponseTemplate::new(200).set_body_json(value)).await;
    assert_eq!(error.kind(), ErrorKind::Decoding);
    let message = error.message();
    assert!(message.len() < 500, "{} bytes", message.len());
    assert!(message.contains("column"), "{message}");
}

/// The secret as the form of the token request had it, and as some write JSON.
#[tokio::test]
async fn a_secret_that_is_repeated_in_another_spelling_is_masked_too() {
    let f = Fixture::without_tokens(|b| b.client_secret("pass/word+1=").retries(0)).await;
    let body = r#"{"error": "invalid_request", "error_description": "client_secret=pass%2Fword%2B1%3D",
        "details": {"client_secret": "pass\/word+1="}}"#;
    token_script([ResponseTemplate::new(400).set_body_raw(body, "application/json")])
        .mount(&f.server)
        .await;
    let error = f.client.token_manager().get_token().await;
    let error = error.expect_err("refused");
    assert_eq!(error.message(), "client_secret=***");
    assert_eq!(error.details(), Some(&json!({"client_secret": "***"})));
}

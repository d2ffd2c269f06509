//! Servers that misbehave on the wire.

use std::{io::Write as _, time::Duration};

use sentryagent_idp::{Error, ErrorKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wiremock::ResponseTemplate;

use crate::support::{AGENT_ID, Fixture, agent};

/// A server that answers every connection with these bytes and closes it.
async fn bytes(answer: Vec<u8>) -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let server = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(&answer).await;
        }
    });
    let f = Fixture::with(|b| b.base_url(url).retries(0)).await;
    let outcome = f.client.tokens().issue_token(None).await.map(|_| ());
    server.abort();
    outcome
}

#[tokio::test]
async fn a_cut_off_answer_is_a_connection_error() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"access";
    let error = bytes(head.into()).await.expect_err("cut off");
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn no_answer_and_nonsense_are_connection_errors() {
    for answer in ["", "SSH-2.0-OpenSSH\r\n"] {
        let error = bytes(answer.into()).await.expect_err("no HTTP");
        assert_eq!(error.kind(), ErrorKind::Connection, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_before_it_is_read() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n{";
    let error = bytes(head.into()).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Decoding);
    assert!(error.message().contains("32 MiB"), "{}", error.message());
}

#[tokio::test]
async fn broken_compression_is_a_decoding_error() {
    let mut answer = Vec::new();
    write!(
        answer,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
    )
    .expect("text");
    write!(answer, "content-length: 9\r\n\r\nnot gzip!").expect("text");
    let error = bytes(answer).await.expect_err("not gzip");
    assert_eq!(error.kind(), ErrorKind::Decoding);
}

#[tokio::test]
async fn an_error_whose_body_cannot_be_read_is_that_error_all_the_same() {
    let gzip = "content-encoding: gzip\r\ncontent-length: 9\r\n\r\nnot gzip!";
    let unasked = "content-encoding: br\r\ncontent-length: 1\r\n\r\n?";
    // Beyond what an error may have to say, and never sent.
    let endless = "content-length: 2000000\r\n\r\n{";
    for rest in [gzip, unasked, endless] {
        let answer = format!(
            "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 7\r\n\
             x-request-id: req-9\r\n{rest}"
        );
        let error = bytes(answer.into()).await.expect_err("limited");
        assert_eq!(
            (error.kind(), error.http_status(), error.request_id()),
            (ErrorKind::RateLimit, Some(429), Some("req-9")),
            "{error:?}"
        );
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(error.is_retryable() && error.cause().is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn the_error_of_an_answer_that_cannot_be_read_says_which_answer_it_was() {
    for rest in [
        "content-encoding: gzip\r\ncontent-length: 9\r\n\r\nnot gzip!",
        "content-length: 99999999999\r\n\r\n{",
    ] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req-9\r\n{rest}"
        );
        let error = bytes(answer.into()).await.expect_err("unreadable");
        assert_eq!(
            (error.kind(), error.http_status(), error.request_id()),
            (ErrorKind::Decoding, Some(200), Some("req-9")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let f = Fixture::with(|b| b.retries(0)).await;
    f.agents([ResponseTemplate::new(302).insert_header("location", "/api/v1/agents/elsewhere")])
        .await;
    let error = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("a redirect");
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::Decoding, Some(302))
    );
    assert_eq!(f.agent_requests().await, 1);
}

#[tokio::test]
async fn a_large_answer_is_read_whole() {
    let f = Fixture::new().await;
    let mut value = agent();
    value["owner"] = "x".repeat(3 * 1024 * 1024).into();
    f.agents([ResponseTemplate::new(200).set_body_json(value)])
        .await;
    let agent = f
        .client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect("the agent");
    assert_eq!(agent.owner.len(), 3 * 1024 * 1024);
}

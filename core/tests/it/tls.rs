//! A real TLS server: trust, the client's certificate, and HTTP/2 by agreement.

use std::time::Duration;

use http::Version;
use sentryagent_idp::{Error, ErrorKind};

use crate::{
    support::AGENT_ID,
    tls_authority::Authority,
    transport_server::{Server, get_agent},
};

const BOTH: [&str; 2] = ["h2", "http/1.1"];

async fn refused(client: &sentryagent_idp::AgentIdPClient) -> Error {
    let outcome = client.agents().get_agent(AGENT_ID).await;
    outcome.expect_err("refused")
}

#[tokio::test]
async fn http_2_is_spoken_where_the_server_can() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &BOTH, false)).await;
    let client = server.client(|b| b.ca_bundle(authority.bundle()));
    get_agent(&client).await;
    get_agent(&client).await;
    server.log(|log| {
        assert!(
            log.requests
                .iter()
                .all(|seen| seen.version == Version::HTTP_2)
        );
        assert_eq!((log.requests.len(), log.connections), (3, 1));
        assert!(log.requests[1].target.starts_with("https://localhost:"));
    });
}

#[tokio::test]
async fn many_callers_share_one_http_2_connection_from_the_first_call_on() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &BOTH, false)).await;
    // No token is fetched before: the first connection is made by all at once.
    let client = server.client(|b| {
        b.ca_bundle(authority.bundle())
            .header("authorization", "Bearer own")
    });
    server.open_gate(false);
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(client.agents().get_agent(AGENT_ID).into_future()))
        .collect();
    server.until(|log| log.running == 100).await;
    server.open_gate(true);
    for call in calls {
        call.await.expect("no panic").expect("the agent");
    }
    assert_eq!(server.log(|log| log.connections), 1);
}

#[tokio::test]
async fn http_1_is_spoken_where_the_server_can_do_no_more() {
    for alpn in [&["http/1.1"][..], &[]] {
        let authority = Authority::new();
        let server = Server::tls(authority.server("localhost", alpn, false)).await;
        let client = server.client(|b| b.ca_bundle(authority.bundle()));
        get_agent(&client).await;
        get_agent(&client).await;
        server.log(|log| {
            assert!(
                log.requests
                    .iter()
                    .all(|seen| seen.version == Version::HTTP_11)
            );
            assert_eq!((log.requests.len(), log.connections), (3, 1));
        });
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &BOTH, false)).await;
    let strangers = Authority::new();
    for client in [
        server.client(|b| b),
        server.client(|b| b.ca_bundle(strangers.bundle())),
    ] {
        let error = refused(&client).await;
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(
            error.cause().is_some_and(|c| c.contains("UnknownIssuer")),
            "{error:?}"
        );
    }
    assert!(server.log(|log| log.requests.is_empty()));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("idp.example.com", &BOTH, false)).await;
    let error = refused(&server.client(|b| b.ca_bundle(authority.bundle()))).await;
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(
        error
            .cause()
            .is_some_and(|c| c.contains("not valid for name")),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_clients_certificate_is_shown_to_a_server_that_asks() {
    for alpn in [&BOTH[..], &["http/1.1"]] {
        let authority = Authority::new();
        let server = Server::tls(authority.server("localhost", alpn, true)).await;
        let (certificate, key) = authority.client();
        let client = server.client(|b| {
            b.ca_bundle(authority.bundle())
                .client_certificate(certificate, key)
        });
        get_agent(&client).await;

        let error = refused(&server.client(|b| b.ca_bundle(authority.bundle()))).await;
        assert_eq!(error.kind(), ErrorKind::Connection);
        let cause = error.cause().unwrap_or_default();
        assert!(cause.contains("asks for a client certificate"), "{cause}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &BOTH, false)).await;
    let (certificate, key) = authority.client();
    let nonsense = authority.nonsense();
    for (option, client) in [
        (
            "ca_bundle",
            server.client(|b| b.ca_bundle("/nowhere/ca.pem")),
        ),
        (
            "ca_bundle",
            server.client(|b| b.ca_bundle(nonsense.clone())),
        ),
        (
            "client_certificate",
            server.client(|b| b.client_certificate(nonsense.clone(), key.clone())),
        ),
        (
            "client_key",
            server.client(|b| b.client_certificate(certificate.clone(), nonsense.clone())),
        ),
        // A certificate of another key.
        (
            "client_key",
            server.client(|b| b.client_certificate(authority.bundle(), key.clone())),
        ),
    ] {
        let error = refused(&client).await;
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
        assert!(error.message().contains(option), "{error:?}");
    }
    assert!(server.log(|log| log.connections) <= 5);
    assert!(server.log(|log| log.requests.is_empty()));
}

#[tokio::test]
async fn dropping_a_call_resets_its_stream_and_keeps_the_connection() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &BOTH, false)).await;
    let client = server.client(|b| b.ca_bundle(authority.bundle()));
    get_agent(&client).await;
    server.open_gate(false);
    let call = tokio::spawn(client.agents().get_agent(AGENT_ID).into_future());
    let stays = tokio::spawn(client.agents().get_agent(AGENT_ID).into_future());
    server.until(|log| log.running == 2).await;
    call.abort();
    server.until(|log| log.abandoned == 1).await;
    server.open_gate(true);
    stays.await.expect("no panic").expect("the agent");
    assert_eq!(server.log(|log| (log.abandoned, log.connections)), (1, 1));
}

#[tokio::test]
async fn a_server_that_never_finishes_the_handshake_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let client = sentryagent_idp::AgentIdPClient::builder()
        .base_url(format!("https://localhost:{port}"))
        .client_id("agent-1")
        .client_secret("secret")
        .retries(0)
        .connect_timeout(Duration::from_millis(50))
        .build()
        .expect("a client");
    let call = || client.tokens().issue_token(None);
    let short = Duration::from_millis(20);
    for (call, time) in [(call(), "50 ms"), (call().connect_timeout(short), "20 ms")] {
        let error = call.await.map(|_| ()).expect_err("no connection");
        assert_eq!(error.kind(), ErrorKind::Connection);
        let cause = error.cause().unwrap_or_default();
        assert!(
            cause.contains(&format!("no connection within {time}")),
            "{cause}"
        );
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_also_where_the_server_is_a_plain_one() {
    let server = Server::plain().await;
    let error = refused(&server.client(|b| b.ca_bundle("/nowhere/ca.pem"))).await;
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("/nowhere/ca.pem"), "{error:?}");
    assert_eq!(server.log(|log| log.connections), 0);
}

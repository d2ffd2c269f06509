//! Connections: kept, shared out, given up, and what is packed into an answer.

use std::{
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use sentryagent_idp::{Error, ErrorKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use wiremock::ResponseTemplate;

use crate::{
    support::{AGENT_ID, Fixture, agent},
    transport_server::{Server, get_agent},
};

const MIB: usize = 1024 * 1024;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plain).expect("memory");
    packer.finish().expect("memory")
}

fn packed(bytes: Vec<u8>) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(bytes, "application/json")
}

async fn fault_of(f: &Fixture) -> Error {
    f.client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("no agent")
}

#[tokio::test]
async fn gzip_is_asked_for_and_unpacked() {
    let f = Fixture::new().await;
    let plain = agent().to_string();
    // A server may send more than one member.
    let (one, two) = plain.as_bytes().split_at(40);
    let members = [gzip(one), gzip(two)].concat();
    f.agents([packed(gzip(plain.as_bytes())), packed(members)])
        .await;
    for _ in 0..2 {
        let raw = f
            .client
            .agents()
            .get_agent(AGENT_ID)
            .raw()
            .await
            .expect("the agent");
        assert_eq!(raw.value.agent_id, AGENT_ID);
        assert!(
            raw.headers()
                .iter()
                .all(|(name, _)| name != "content-encoding")
        );
    }
    let asked = f.requests_to("/agents/").await;
    assert_eq!(asked[0].headers["accept-encoding"], "gzip");
}

#[tokio::test]
async fn a_packed_answer_that_is_cut_off_is_garbled() {
    let f = Fixture::with(|b| b.retries(0)).await;
    let mut half = gzip(agent().to_string().as_bytes());
    half.truncate(half.len() - 9);
    f.agents([packed(half)]).await;
    assert_eq!(fault_of(&f).await.kind(), ErrorKind::Decoding);
}

#[tokio::test]
async fn an_encoding_that_was_not_asked_for_is_refused() {
    let f = Fixture::new().await;
    let answer = ResponseTemplate::new(200).insert_header("content-encoding", "br");
    f.agents([answer.set_body_raw("?", "application/json")])
        .await;
    let error = fault_of(&f).await;
    assert_eq!(error.kind(), ErrorKind::Decoding);
    assert!(
        error.cause().is_some_and(|c| c.contains("not gzip")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_bomb_stops_at_the_limit_and_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 8192];
        let _ = socket.read(&mut request).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                    content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = socket.write_all(head.as_bytes()).await;
        // Members of 8 MiB of zeros, without end: the client has to hang up.
        let member = gzip(&vec![0; 8 * MIB]);
        let mut chunk = format!("{:x}\r\n", member.len()).into_bytes();
        chunk.extend_from_slice(&member);
        chunk.extend_from_slice(b"\r\n");
        let mut sent = 0_usize;
        while socket.write_all(&chunk).await.is_ok() {
            sent += 1;
        }
        sent
    });
    let f = Fixture::with(|b| b.base_url(url).retries(0)).await;
    let error = f
        .client
        .tokens()
        .issue_token(None)
        .await
        .map(|_| ())
        .expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Decoding);
    assert!(error.message().contains("32 MiB"), "{error:?}");
    assert!(server.await.expect("no panic") >= 4);
}

#[tokio::test]
async fn a_connection_is_kept_and_used_again() {
    let server = Server::plain().await;
    let client = server.client(|b| b);
    for _ in 0..20 {
        get_agent(&client).await;
    }
    assert_eq!(
        server.log(|log| (log.requests.len(), log.connections)),
        (21, 1)
    );
    let target = server.log(|log| log.requests[1].target.clone());
    assert_eq!(target, format!("/api/v1/agents/{AGENT_ID}"));
    let host = format!("localhost:{}", server.port);
    assert_eq!(
        server.log(|log| log.requests[1].header("host").map(str::to_owned)),
        Some(host)
    );
}

#[tokio::test]
async fn closing_the_client_closes_its_connections() {
    let server = Server::plain().await;
    let client = server.client(|b| b);
    get_agent(&client).await;
    server.open_gate(false);
    let running = tokio::spawn(client.agents().get_agent(AGENT_ID).into_future());
    server.until(|log| log.running == 1).await;
    client.close();
    // A call on its way ends well, and its connection with it.
    server.open_gate(true);
    running.await.expect("no panic").expect("the agent");
    server.until(|log| log.open == 0).await;
}

#[tokio::test]
async fn dropping_the_client_closes_its_connections() {
    let server = Server::plain().await;
    get_agent(&server.client(|b| b)).await;
    server.until(|log| log.open == 0).await;
}

/// A server that answers one request on each connection and hangs up without a word about it.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let (closed, mut has_closed) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let _ = socket.read(&mut request).await;
            let body = r#"{"access_token":"t","token_type":"Bearer","expires_in":60,"scope":""}"#;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = socket.write_all(answer.as_bytes()).await;
            drop(socket);
            let _ = closed.send(());
        }
    });
    let f = Fixture::with(|b| b.base_url(url).retries(0)).await;
    for _ in 0..10 {
        f.client.tokens().issue_token(None).await.expect("a token");
        has_closed.recv().await.expect("it closes");
        events_are_delivered().await;
    }
}

/// What the system had to say before this call has reached the tasks of this runtime.
async fn events_are_delivered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (mut client, mut server) = (client.expect("connected"), server.expect("connected").0);
    server.write_all(b"x").await.expect("written");
    client.read_u8().await.expect("a byte");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn calls_beyond_256_connections_wait_for_one() {
    let server = Server::plain().await;
    let client = server.client(|b| b);
    get_agent(&client).await;
    server.open_gate(false);
    let calls: Vec<_> = (0..400)
        .map(|_| tokio::spawn(client.agents().get_agent(AGENT_ID).into_future()))
        .collect();
    server.until(|log| log.running == 256).await;
    events_are_delivered().await;
    assert_eq!(server.log(|log| log.running), 256);
    server.open_gate(true);
    for call in calls {
        call.await.expect("no panic").expect("the agent");
    }
    assert_eq!(
        server.log(|log| (log.connections, log.agent_requests().len())),
        (256, 401)
    );
}

#[tokio::test]
async fn dropping_a_call_is_seen_by_the_server_within_100_ms() {
    let server = Server::plain().await;
    let client = server.client(|b| b);
    get_agent(&client).await;
    server.open_gate(false);
    // The machine may be busy: the quickest of ten counts.
    let mut quickest = Duration::MAX;
    for round in 1..=10 {
        let call = tokio::spawn(client.agents().get_agent(AGENT_ID).into_future());
        server.until(|log| log.running == 1).await;
        let began = Instant::now();
        call.abort();
        server.until(|log| log.abandoned == round).await;
        quickest = quickest.min(began.elapsed());
    }
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    assert_eq!(server.log(|log| log.open), 0);
}

/// A server that sends the head and half of the body, and then waits for the client to go.
async fn half(sent: Arc<tokio::sync::Notify>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 8192];
        let _ = socket.read(&mut request).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n";
        let half = format!("{head}\r\n{{\"access_token\":");
        socket.write_all(half.as_bytes()).await.expect("written");
        sent.notify_one();
        while socket.read(&mut request).await.is_ok_and(|n| n > 0) {}
    });
    (url, server)
}

#[tokio::test]
async fn dropping_a_call_in_the_middle_of_its_body_closes_its_connection() {
    let sent = Arc::new(tokio::sync::Notify::new());
    let (url, server) = half(sent.clone()).await;
    let f = Fixture::with(|b| b.base_url(url)).await;
    let call = tokio::spawn(f.client.tokens().issue_token(None).into_future());
    sent.notified().await;
    events_are_delivered().await;
    call.abort();
    server.await.expect("it saw the end");
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_with_the_deadline() {
    let sent = Arc::new(tokio::sync::Notify::new());
    let (url, server) = half(sent.clone()).await;
    let f = Fixture::with(|b| b.base_url(url)).await;
    let call = tokio::spawn(f.client.tokens().issue_token(None).into_future());
    sent.notified().await;
    events_are_delivered().await;
    f.clock.advance(Duration::from_secs(30));
    let error = call
        .await
        .expect("no panic")
        .map(|_| ())
        .expect_err("too slow");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    server.await.expect("it saw the end");
}

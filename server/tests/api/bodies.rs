//! Bodies that are refused before they are read: who sends all of one and then reads still gets the answer.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::harness;

/// More than any socket's buffers hold.
const LARGE: usize = 6 * 1024 * 1024;

/// Sends all of it on one connection, and only then reads the one answer.
async fn answer(address: SocketAddr, head: String, body: Vec<u8>) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)?;
        let mut got = String::new();
        stream.read_to_string(&mut got)?;
        Ok::<_, std::io::Error>(got)
    });
    asked.await.unwrap().unwrap()
}

fn head(path: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: idp.test\r\nconnection: close\r\n{more}\r\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_a_body_that_nobody_reads_still_gets_its_answer() {
    let variables = [("RATE_LIMIT_MAX_REQUESTS", "0"), ("ENFORCE_TLS", "true")];
    let harness = harness::start_with(&variables).await;
    let address = harness.server.address();
    let length = format!("content-length: {LARGE}\r\n");
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    for (path, more, expected) in [
        ("/oauth2/token", form, "HTTP/1.1 413 "),
        (
            "/api/v1/agents",
            "authorization: Bearer x\r\n",
            "HTTP/1.1 401 ",
        ),
        ("/nowhere", "", "HTTP/1.1 404 "),
        ("/health", "", "HTTP/1.1 405 "),
        (
            "/oauth2/token",
            "x-forwarded-proto: http\r\n",
            "HTTP/1.1 301 ",
        ),
    ] {
        let sent = head(path, &format!("{length}{more}"));
        let got = answer(address, sent, vec![b'a'; LARGE]).await;
        assert!(got.starts_with(expected), "{path}: {got}");
    }
    let mut chunks = b"600000\r\n".to_vec();
    chunks.extend_from_slice(&vec![b'a'; 0x0060_0000]);
    chunks.extend_from_slice(b"\r\n0\r\n\r\n");
    let sent = head(
        "/oauth2/token",
        &format!("transfer-encoding: chunked\r\n{form}"),
    );
    let got = answer(address, sent, chunks).await;
    assert!(got.starts_with("HTTP/1.1 413 "), "{got}");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_to_be_told_to_send_a_body_is_not_told_when_it_is_refused() {
    let harness = harness::start().await;
    let waits = format!("content-length: {LARGE}\r\nexpect: 100-continue\r\n");
    let sent = head("/api/v1/agents", &waits);
    let got = answer(harness.server.address(), sent, Vec::new()).await;
    assert!(got.starts_with("HTTP/1.1 401 "), "{got}");
    harness.stop().await;
}

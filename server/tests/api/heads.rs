//! Heads that are too long, too large or no HTTP: their answers are like all others.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::harness;

/// Sends that on one connection, reads to its end, and gives the last answer's head and body.
async fn last_answer(address: SocketAddr, sent: String) -> (String, Value) {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        let mut got = String::new();
        stream.read_to_string(&mut got).unwrap();
        got
    });
    let got = asked.await.unwrap();
    let last = got.rfind("HTTP/1.1 ").unwrap();
    let (head, body) = got[last..].split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}", body.len());
    for expected in [
        "x-content-type-options: nosniff",
        "x-request-id: ",
        "date: ",
        &length,
    ] {
        assert!(head.contains(expected), "{expected}: {head}");
    }
    let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("{got}"));
    (head.to_owned(), body)
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: idp.test\r\n{headers}\r\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_cannot_be_read_is_answered_like_any_request() {
    let harness = harness::start().await;
    let address = harness.server.address();
    let fields = |count: usize| {
        (0..count)
            .map(|nth| format!("x-{nth}: 1\r\n"))
            .collect::<String>()
    };
    let long = format!("/{}", "a".repeat(66_000));
    for (sent, status, code) in [
        (get("/health", &fields(150)), 431, "HEADERS_TOO_LARGE"),
        (get(&long, ""), 414, "URI_TOO_LONG"),
        (get("/health", "no field\r\n"), 400, "VALIDATION_ERROR"),
        // Also behind a good answer on the same connection.
        (
            get("/health", "") + &get("/health", "no field\r\n"),
            400,
            "VALIDATION_ERROR",
        ),
    ] {
        let (head, body) = last_answer(address, sent).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(body["code"], code, "{head}");
        assert!(!body["message"].as_str().unwrap().is_empty());
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_too_large_are_refused_in_both_versions_of_http() {
    let harness = harness::start().await;
    let client = || reqwest::Client::builder().no_proxy();
    let two = client().http2_prior_knowledge().build().unwrap();
    let one = client().http1_only().build().unwrap();
    for (http, version) in [
        (&one, reqwest::Version::HTTP_11),
        (&two, reqwest::Version::HTTP_2),
    ] {
        for (method, path, member) in [
            (reqwest::Method::GET, "/api/v1/agents", "message"),
            (reqwest::Method::POST, "/oauth2/token", "error_description"),
        ] {
            let ask = |bytes: usize| {
                let request = http.request(method.clone(), harness.url(path));
                request.header("x-much", "a".repeat(bytes)).send()
            };
            let answer = ask(100 * 1024).await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.version()), (431, version));
            assert!(answer.headers().contains_key("x-request-id"));
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["code"], "HEADERS_TOO_LARGE");
            assert!(body[member].as_str().unwrap().contains("64 KiB"), "{body}");
            assert_ne!(ask(60 * 1024).await.unwrap().status(), 431);
        }
    }
    harness.stop().await;
}

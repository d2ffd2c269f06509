//! Stopping and starting again on the same data.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use agentidp_server::clock::SystemClock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{harness, process::Process};

#[tokio::test]
async fn what_was_issued_before_a_restart_still_holds_after_it() {
    let variables = [
        ("PUBLIC_URL", "http://idp.test"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ];
    let first = harness::start_with(&variables).await;
    let token = first.admin_token().await;
    let path = format!("/api/v1/agents/{}", first.admin.client_id);
    assert_eq!(first.get(&path, &token).await.status, 200);
    let address = first.server.address();
    let folder = first.stop().await;
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "it still listens"
    );

    let second = harness::start_in(folder, &variables, Arc::new(SystemClock)).await;
    assert_eq!(second.get(&path, &token).await.status, 200);
    second.stop().await;
}

/// The server asks for the body (`100 Continue`) when the request is being worked on; then it is told to stop.
#[tokio::test]
async fn what_is_in_flight_is_finished_and_nothing_new_is_taken() {
    let harness = harness::start().await;
    let address = harness.server.address();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(harness.admin.form())
        .finish();
    let head = format!(
        "POST /api/v1/token HTTP/1.1\r\nhost: {address}\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopping = tokio::spawn(harness.stop());
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed)
        .await
        .expect("it still listens");
    assert!(!stopping.is_finished());
    stream.write_all(form.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("access_token"));
    stopping.await.unwrap();
}

/// The grace would be far longer than anybody waits. What is in flight is finished all the same.
#[test]
fn a_second_signal_ends_the_grace_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Process::start(data.path(), &[("SHUTDOWN_GRACE_MS", "3600000")]);
    let address = ("127.0.0.1", server.port);
    let file = std::fs::read(data.path().join("bootstrap.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", file["clientId"].as_str().unwrap())
        .append_pair("client_secret", file["clientSecret"].as_str().unwrap())
        .finish();
    let head = format!(
        "POST /api/v1/token HTTP/1.1\r\nhost: idp.test\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    let mut in_flight = std::net::TcpStream::connect(address).unwrap();
    in_flight.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    in_flight.read_exact(&mut asked).unwrap();

    server.signal("TERM");
    server.says("Shutting down gracefully...");
    let mut other = std::net::TcpStream::connect(address).unwrap();
    other
        .write_all(b"GET /health HTTP/1.1\r\nhost: idp.test\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut health = String::new();
    other.read_to_string(&mut health).unwrap();
    assert!(health.starts_with("HTTP/1.1 503 "), "{health}");

    server.signal("INT");
    server.says("Asked again: the grace is over");
    in_flight.write_all(form.as_bytes()).unwrap();
    let mut answer = String::new();
    in_flight.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (said, code) = server.stop();
    assert_eq!(code, Some(0), "{said}");
}

/// The database takes the connection and never answers.
#[test]
fn a_start_that_waits_for_its_database_can_be_stopped() {
    let data = tempfile::tempdir().unwrap();
    let database = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "postgres://agentidp@{}/agentidp",
        database.local_addr().unwrap()
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_agentidp"))
        .args(["serve", "--port", "0"])
        .current_dir(data.path())
        .env_clear()
        .env("AGENTIDP_DATA_DIR", data.path())
        .env("DATABASE_URL", url)
        .env("ENCRYPTION_KEY", "5e".repeat(32))
        // After that it would end with 1.
        .env("DB_POOL_CONNECTION_TIMEOUT_MS", "60000")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _connection = database.accept().unwrap();
    let stop = format!("kill -TERM {}", child.id());
    let sent = Command::new("sh").args(["-c", &stop]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

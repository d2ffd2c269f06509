//! What callers share on the wire - the attempt to connect, the HTTP/2 connection - and what they must
//! not: connections of a runtime that nobody drives.

use std::{sync::Arc, time::Duration};

use sentryagent_idp::clock::ManualClock;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::Notify,
};

use crate::{
    support::AGENT_ID,
    tls_authority::Authority,
    transport_server::{Server, get_agent},
};

/// Passes connections on to that port, but for the first, which it accepts and leaves alone.
async fn first_hangs(port: u16, hung: Arc<Notify>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let front = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        let (_silent, _) = listener.accept().await.expect("a connection");
        hung.notify_one();
        while let Ok((mut client, _)) = listener.accept().await {
            // How a connection ends is its two sides' business.
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    front
}

#[tokio::test]
async fn an_attempt_to_connect_that_hangs_does_not_hold_up_those_who_come_later() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &["h2"], false)).await;
    let hung = Arc::new(Notify::new());
    let front = first_hangs(server.port, hung.clone()).await;
    // Between two tries lies no time.
    let client = server.client(|b| {
        b.base_url(format!("https://localhost:{front}"))
            .ca_bundle(authority.bundle())
            .header("authorization", "Bearer own")
            .clock(ManualClock::new())
    });
    let agent = || client.agents().get_agent(AGENT_ID);
    // As long as it waits, the attempt that it began lives on.
    let patient = agent().connect_timeout(Duration::from_secs(600));
    let patient = tokio::spawn(patient.into_future());
    hung.notified().await;
    let call = agent()
        .connect_timeout(Duration::from_millis(300))
        .retries(10);
    call.await.expect("the agent");
    assert!(!patient.is_finished());
    patient.abort();
}

fn undriven() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// A program that enters a runtime of its own in each thread drives none of them in between.
#[test]
fn a_connection_of_a_runtime_that_nobody_drives_is_not_used() {
    let serving = Runtime::new().expect("a runtime");
    let authority = Authority::new();
    let tls = authority.server("localhost", &["h2"], false);
    for server in [
        serving.block_on(Server::plain()),
        serving.block_on(Server::tls(tls)),
    ] {
        let client = server.client(|b| {
            b.ca_bundle(authority.bundle())
                .timeout(Duration::from_secs(20))
        });
        let (first, second) = (undriven(), undriven());
        for _ in 0..2 {
            first.block_on(get_agent(&client));
            second.block_on(get_agent(&client));
        }
        // One for each runtime, and kept there.
        assert_eq!(server.log(|log| log.connections), 2);
    }
}

/// Nor is anything left of runtimes that are gone.
#[test]
fn connections_end_with_their_runtime() {
    let serving = Runtime::new().expect("a runtime");
    let server = serving.block_on(Server::plain());
    let client = server.client(|b| b);
    for _ in 0..20 {
        undriven().block_on(get_agent(&client));
    }
    serving.block_on(server.until(|log| log.open == 0));
}

/// Calls that are on their way finish, and leave nothing open: the client is closed, not dropped.
#[tokio::test]
async fn a_call_that_outlives_its_client_leaves_no_connection() {
    let authority = Authority::new();
    let tls = |alpn| authority.server("localhost", &[alpn], false);
    for server in [
        Server::plain().await,
        Server::tls(tls("http/1.1")).await,
        Server::tls(tls("h2")).await,
    ] {
        let client = server.client(|b| b.ca_bundle(authority.bundle()));
        let mut call = client.agents().get_agent(AGENT_ID).into_future();
        // It has been let in, and no connection has been made yet.
        assert!(futures_util::poll!(&mut call).is_pending());
        client.close();
        call.await.expect("the agent");
        server.until(|log| log.open == 0).await;
    }
}

//! Sockets over a `fork`: a child closes what it inherits and makes its own; its parent goes on.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use sentryagent_idp::bridge::{BridgeClient, Channel, Decode, operations};
use serde_json::json;

use crate::{
    support::{AGENT_ID, SECRET},
    tls_authority::Authority,
    transport_server::Server,
};

const CHILDREN: usize = 40;
const IN_FLIGHT: u64 = 8;
const SOON: Duration = Duration::from_secs(20);

fn client(base_url: &str) -> BridgeClient {
    let config = json!({
        "baseUrl": base_url, "clientId": "agent-1", "clientSecret": SECRET, "retries": 0,
    });
    BridgeClient::from_json(config.to_string().as_bytes()).expect("a client")
}

/// A call that tells the server which process it comes from.
fn start(channel: &Arc<Channel>, client: &BridgeClient, id: u64) {
    let operation = operations()
        .iter()
        .find(|o| o.id == "getAgent")
        .expect("an operation");
    let process = std::process::id().to_string();
    let args =
        json!({"path": {"agentId": AGENT_ID}, "options": {"headers": {"x-process": process}}});
    channel.start(client, id, operation.index, args.to_string().as_bytes());
}

/// How many TCP sockets this process has open. Runtimes have local ones of their own, and looking
/// up a name opens others for a moment.
fn sockets() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").expect("the system's list");
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| option(*number, libc::SO_PROTOCOL) == Some(libc::IPPROTO_TCP))
        .count()
}

fn option(descriptor: i32, name: i32) -> Option<i32> {
    let mut value = 0_i32;
    let mut length = libc::socklen_t::try_from(size_of_val(&value)).expect("small");
    // SAFETY: a number that the call fills in, of the length that it is told.
    let told = unsafe {
        let place = (&raw mut value).cast();
        libc::getsockopt(descriptor, libc::SOL_SOCKET, name, place, &raw mut length)
    };
    (told == 0).then_some(value)
}

#[tokio::test]
async fn over_http_children_use_sockets_of_their_own() {
    if let Ok(base_url) = std::env::var("FORK_TEST_URL") {
        return fork_often(&base_url);
    }
    let server = Server::plain().await;
    in_a_process_of_its_own("over_http_children_use_sockets_of_their_own", &server, None).await;
}

#[tokio::test]
async fn over_https_no_child_disturbs_its_parents_session() {
    if let Ok(base_url) = std::env::var("FORK_TEST_URL") {
        return fork_often(&base_url);
    }
    for alpn in ["h2", "http/1.1"] {
        let authority = Authority::new();
        let server = Server::tls(authority.server("localhost", &[alpn], false)).await;
        let name = "over_https_no_child_disturbs_its_parents_session";
        in_a_process_of_its_own(name, &server, Some(authority.bundle())).await;
    }
}

/// Runs the test of this name in a process that has no other threads and no other sockets, and
/// looks at what the server saw.
async fn in_a_process_of_its_own(name: &str, server: &Server, bundle: Option<PathBuf>) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", &format!("fork::{name}")])
        .env("FORK_TEST_URL", &server.url)
        .env("NO_PROXY", "*")
        .env(
            "AGENTIDP_CA_BUNDLE",
            bundle.as_deref().unwrap_or(Path::new("")),
        )
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let more = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{more}"
    );

    server.until(|log| log.open == 0).await;
    server.log(|log| {
        let mut users: HashMap<usize, HashSet<&str>> = HashMap::new();
        for seen in log.agent_requests() {
            let process = seen.header("x-process").expect("a process");
            users.entry(seen.connection).or_default().insert(process);
        }
        assert!(
            users.values().all(|processes| processes.len() == 1),
            "{users:?}"
        );
        let all: HashSet<&str> = users.into_values().flatten().collect();
        assert_eq!(all.len(), CHILDREN + 1);
        assert_eq!(log.abandoned, 0);
    });
}

/// Forks while another thread keeps calls in flight. Each child has to get an answer.
fn fork_often(base_url: &str) {
    let (client, channel) = (client(base_url), Channel::new(Decode::Check, || {}));
    let stop = Arc::new(AtomicBool::new(false));
    let busy = thread::spawn({
        let (client, channel, stop) = (client.clone(), channel.clone(), stop.clone());
        move || keep_busy(&client, &channel, &stop)
    });
    // The parent has connections before the first child is made.
    while sockets() == 0 {
        thread::yield_now();
    }
    for _ in 0..CHILDREN {
        // SAFETY: the child uses what this test is about and leaves without unwinding.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = in_the_child(&client, &channel);
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(code) };
        }
        let mut status = 0;
        // SAFETY: waits for the child that was just made.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert!(libc::WIFEXITED(status), "a child died: {status}");
        assert_eq!(libc::WEXITSTATUS(status), 0, "a child failed");
    }
    stop.store(true, Ordering::Release);
    let calls = busy.join().expect("no call of the parent failed");
    assert!(calls >= CHILDREN as u64, "{calls}");
}

/// 0 when all is well, else what is not.
fn in_the_child(client: &BridgeClient, channel: &Arc<Channel>) -> i32 {
    if sockets() != 0 {
        return 1;
    }
    start(channel, client, 1);
    if !channel.wait(SOON) {
        return 2;
    }
    match channel.drain(1, usize::MAX).pop() {
        Some(done) if done.id == 1 && done.result.is_ok() => {}
        _ => return 3,
    }
    if sockets() == 1 { 0 } else { 4 }
}

/// Keeps calls in flight until it is told to stop; none may fail.
fn keep_busy(client: &BridgeClient, channel: &Arc<Channel>, stop: &AtomicBool) -> u64 {
    (0..IN_FLIGHT).for_each(|id| start(channel, client, id));
    let (mut next, mut done) = (IN_FLIGHT, 0);
    while done < next {
        assert!(channel.wait(SOON), "nothing came");
        for completion in channel.drain(usize::MAX, usize::MAX) {
            completion.result.expect("the agent");
            done += 1;
            if !stop.load(Ordering::Acquire) {
                start(channel, client, next);
                next += 1;
            }
        }
    }
    done
}

#[tokio::test]
async fn a_child_keeps_no_connection_of_its_parent_open() {
    let server = Server::plain().await;
    let (client, channel) = (client(&server.url), Channel::new(Decode::Check, || {}));
    start(&channel, &client, 1);
    server
        .until(|log| log.agent_requests().len() == 1 && log.running == 0)
        .await;
    server.open_gate(false);
    start(&channel, &client, 2);
    server.until(|log| log.running == 1).await;
    let (hold, end) = std::io::pipe().expect("a pipe");
    // SAFETY: the child only waits for the pipe's end and leaves without unwinding.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(end);
        let mut byte = 0_u8;
        // SAFETY: reads one byte at most into a byte, and ends the child at once.
        unsafe {
            libc::read(
                std::os::fd::AsRawFd::as_raw_fd(&hold),
                (&raw mut byte).cast(),
                1,
            );
            libc::_exit(0);
        }
    }
    assert!(channel.cancel(2));
    client.close();
    let closed = server.until(|log| log.abandoned == 1 && log.open == 0);
    let seen = tokio::time::timeout(SOON, closed).await;
    drop(end);
    // SAFETY: waits for the child that was just made.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    seen.expect("the server sees the end while the child lives");
}

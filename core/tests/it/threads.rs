//! A client starts no thread: whoever only configures one pays for nothing.

use std::{fs, process::Command, thread};

use sentryagent_idp::{AgentIdPClient, TokenVerifier};

use crate::support::SECRET;

/// Says that this process runs the test below and nothing beside it.
const ALONE: &str = "AGENTIDP_TEST_ALONE";

fn threads() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("the system's list")
        .count()
}

#[test]
fn a_client_and_a_verifier_start_no_thread() {
    if std::env::var_os(ALONE).is_none() {
        let own = std::env::current_exe().expect("a path");
        let mut alone = Command::new(own);
        alone.args([
            "--exact",
            "threads::a_client_and_a_verifier_start_no_thread",
        ]);
        let output = alone.env(ALONE, "1").output().expect("runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains("1 passed"), "{printed}");
        return;
    }
    let before = threads();
    let client = AgentIdPClient::builder()
        .base_url("https://idp.example.com")
        .client_id("agent-1")
        .client_secret(SECRET)
        .build()
        .expect("a client");
    let manager = client.token_manager();
    let verifier = TokenVerifier::builder("https://idp.example.com", "https://api.example.com")
        .build()
        .expect("a verifier");
    assert_eq!(threads(), before);

    // It would have been seen.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = thread::spawn(move || stopped.recv());
    assert_eq!(threads(), before + 1);
    drop((stop, client, manager, verifier));
    assert!(thread.join().expect("it ended").is_err());
}

//! `POLICY_DIR` on running servers: what a policy decides over HTTP, and how it is replaced.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::harness;

/// Every caller may do everything.
const OPEN: &str = "package authz\n\nallow := true\n";
/// Nobody may do anything.
const CLOSED: &str = "package authz\n\nallow := false\n";
const BROKEN: &str = "package authz\n\nallow if {\n";

#[tokio::test]
async fn an_operators_policy_decides_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authz.rego");
    fs::write(&file, CLOSED).unwrap();
    let harness = harness::start_with(&[
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("POLICY_DIR", &folder.path().display().to_string()),
    ])
    .await;
    let token = harness.admin_token().await;
    let policy = harness.server.app().policy();

    let denied = harness.get("/api/v1/agents", &token).await;
    assert_eq!(
        (denied.status, denied.code().as_str()),
        (403, "INSUFFICIENT_SCOPE")
    );

    fs::write(&file, OPEN).unwrap();
    policy.reload().unwrap();
    assert_eq!(harness.get("/api/v1/agents", &token).await.status, 200);

    fs::write(&file, BROKEN).unwrap();
    assert!(policy.reload().is_err());
    assert_eq!(harness.get("/api/v1/agents", &token).await.status, 200);
    let health = harness
        .send(harness.request("GET", "/health/detailed"))
        .await;
    assert_eq!(health.member("services")["policy"]["status"], "healthy");
    harness.stop().await;
}

fn server(data: &Path, policy: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentidp"));
    command
        .arg("serve")
        .current_dir(data)
        .env_clear()
        .env("AGENTIDP_DATA_DIR", data)
        .env("JWT_SIGNING_ALG", "ES256")
        .env("LOG_FORMAT", "json")
        .env("PORT", "0")
        .env("POLICY_DIR", policy)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn a_policy_that_cannot_be_used_does_not_start() {
    for (name, text, wanted) in [
        ("authz.rego", BROKEN, "authz.rego:4: "),
        ("authz.wasm", "", "a compiled policy is not run"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let policy = tempfile::tempdir().unwrap();
        fs::write(policy.path().join(name), text).unwrap();
        let ended = server(data.path(), policy.path()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(78), "{said}");
        assert!(said.starts_with("agentidp: POLICY_DIR: "), "{said}");
        assert!(said.contains(wanted) && said.lines().count() == 1, "{said}");
    }
}

/// A server that is ended when the test is over, however it ends.
struct Running {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Waits for a log line and returns it.
    fn says(&mut self, wanted: &str) -> Value {
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find(|line| {
                line["message"]
                    .as_str()
                    .is_some_and(|message| message.contains(wanted))
            })
            .unwrap_or_else(|| panic!("it never said {wanted:?}"))
    }

    fn hang_up(&self) {
        let signal = format!("kill -HUP {}", self.process.id());
        assert!(
            Command::new("sh")
                .args(["-c", &signal])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn sighup_reloads_the_real_server() {
    let data = tempfile::tempdir().unwrap();
    let policy = tempfile::tempdir().unwrap();
    let file = policy.path().join("authz.rego");
    fs::write(&file, CLOSED).unwrap();
    let mut process = server(data.path(), policy.path()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut running = Running { process, lines };
    running.says("listening on port");
    running.hang_up();
    running.says("the policy has not changed");
    fs::write(&file, BROKEN).unwrap();
    running.hang_up();
    let refused = running.says("the policy was refused");
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("authz.rego:4: "),
        "{refused}"
    );
    fs::write(&file, OPEN).unwrap();
    running.hang_up();
    let changed = running.says("a new policy holds");
    assert_eq!(changed["policy"].as_str().unwrap().len(), 16);
}

//! The quick start against the mock server, and what a user's own tests can do with it.

use std::{path::PathBuf, process::Command, time::Duration};

use sentryagent_idp::{
    Error,
    testing::{Fault, MockServer},
};

const STEPS: [&str; 9] = [
    "register",
    "list",
    "credential",
    "token",
    "introspect",
    "rotate",
    "not-found",
    "audit",
    "decommission",
];

/// `AGENTIDP_BIN`, else the server that this workspace has built.
fn server() -> Result<MockServer, Error> {
    if std::env::var_os("AGENTIDP_BIN").is_some() {
        return MockServer::start();
    }
    let quickstart = PathBuf::from(env!("CARGO_BIN_EXE_quickstart"));
    let name = format!("agentidp{}", std::env::consts::EXE_SUFFIX);
    MockServer::start_program(quickstart.with_file_name(name))
}

#[test]
fn the_quick_start_goes_through_its_steps() -> Result<(), Error> {
    let server = server()?;
    let secret = server.client_secret().expose_secret();
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .env("AGENTIDP_BASE_URL", server.base_url())
        .env("AGENTIDP_CLIENT_ID", server.client_id())
        .env("AGENTIDP_CLIENT_SECRET", secret)
        .output()
        .expect("the quick start runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let steps: Vec<&str> = said
        .lines()
        .filter_map(|l| Some(l.split_once(':')?.0))
        .collect();
    assert_eq!(steps, STEPS, "{said}");
    assert!(
        !said.contains(secret) && !said.contains("sk_live"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn a_failure_is_rehearsed() -> Result<(), Error> {
    let server = server()?;
    let client = server.client()?;
    let busy = Fault::status(429).retry_after(2).path("/api/v1/agents");
    server.fail_next(busy).await?;
    let clock = server.clock().clone();
    let call = tokio::spawn(client.agents().list_agents(None).raw());
    assert_eq!(
        clock.sleeping(Duration::from_secs(5)).await,
        Duration::from_secs(2)
    );
    clock.advance(Duration::from_secs(2));
    let answer = call.await.expect("no panic")?;
    assert_eq!((answer.retry_count, answer.value.total), (1, 1));
    server.fail_next(Fault::cut().times(3)).await?;
    let cut = client.agents().list_agents(None).retries(0).await;
    assert!(cut.expect_err("cut off").is_connection());
    Ok(())
}

#[tokio::test]
async fn an_hour_passes_at_once() -> Result<(), Error> {
    let server = server()?;
    let client = server.client()?;
    client.agents().list_agents(None).await?;
    server.reset().await?;
    server.advance(Duration::from_secs(3600)).await?;
    client.agents().list_agents(None).await?;
    let requests = server.requests().await?;
    let paths: Vec<&str> = requests.iter().map(|r| r.path.as_str()).collect();
    assert_eq!(paths, ["/api/v1/token", "/api/v1/agents"]);
    let secret = server.client_secret().expose_secret();
    assert!(!format!("{server:?} {requests:?}").contains(secret));
    Ok(())
}

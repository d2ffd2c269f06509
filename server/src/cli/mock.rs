//! `agentidp mock`: one line that says how to reach it, then it serves until standard input or it
//! itself is closed.

use std::io::Read as _;

use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{logging, print};
use crate::{
    app::StartError,
    mock::{Mock, Settings},
};

/// Serves until standard input ends, SIGTERM or SIGINT.
pub fn run(port: u16, as_json: bool) -> Result<(), StartError> {
    logging::start_on_stderr();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::failed)?
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate()).map_err(StartError::failed)?;
            let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::failed)?;
            let mock = Mock::start(Settings { port }).await?;
            print(&introduction(&mock, as_json));
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = input_ended() => {}
            }
            mock.stop().await;
            Ok(())
        })
}

/// The first line: for a program, or for `eval` in a shell.
fn introduction(mock: &Mock, as_json: bool) -> String {
    let base_url = mock.base_url();
    let admin = mock.admin();
    if as_json {
        let line = json!({
            "baseUrl": base_url,
            "clientId": admin.client_id,
            "clientSecret": admin.client_secret,
            "organizationId": admin.organization_id,
        });
        format!("{line}\n")
    } else {
        format!(
            "export AGENTIDP_BASE_URL={base_url} AGENTIDP_CLIENT_ID={} AGENTIDP_CLIENT_SECRET={}\n",
            admin.client_id,
            admin.client_secret.expose()
        )
    }
}

/// Returns when whoever started us is gone or has closed our input. The thread that waits for it
/// is left alone at the end: it holds nothing.
async fn input_ended() {
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut ignored = [0; 256];
        while matches!(input.read(&mut ignored), Ok(read) if read > 0) {}
        // Fails only when the server stopped for another reason.
        let _ = ended.send(());
    });
    // An error means that the thread is gone, and with it any hope of hearing of the end.
    let _ = wait.await;
}

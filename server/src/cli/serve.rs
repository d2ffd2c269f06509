//! `agentidp serve`. With `POLICY_DIR`, SIGHUP reloads the policy; without it, SIGHUP ends the
//! process as it ends any other.

use std::{io::IsTerminal, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Flags, logging};
use crate::{
    app::{App, StartError},
    clock::SystemClock,
    serve::Server,
};

/// Serves until it is asked to stop.
pub fn run(flags: &Flags) -> Result<(), StartError> {
    let (config, source) = flags.config()?;
    logging::start(config.log_format);
    for name in source.unknown() {
        tracing::warn!("{name} is not a variable of this server; is it misspelt?");
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::failed)?
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate()).map_err(StartError::failed)?;
            let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::failed)?;
            // Before anything else, so that a signal that comes early does not end the process.
            let mut hangup = match config.policy_dir {
                Some(_) => Some(signal(SignalKind::hangup()).map_err(StartError::failed)?),
                None => None,
            };
            let server = Server::start(config, Arc::new(SystemClock)).await?;
            show_bootstrap(server.app());
            tracing::info!(
                "AgentIdP {} listening on port {}",
                env!("CARGO_PKG_VERSION"),
                server.address().port()
            );
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    () = next(&mut hangup) => Arc::clone(server.app().policy()).reload_and_report().await,
                }
            }
            tracing::info!("Shutting down gracefully...");
            server.stop().await;
            Ok(())
        })
}

/// The next of these signals; never when none is listened to.
async fn next(signals: &mut Option<Signal>) {
    let received = match signals {
        Some(signals) => signals.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending().await
    }
}

/// Once, and only to a person who looks: never to a log.
fn show_bootstrap(app: &App) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    if let Some(first) = app.bootstrap() {
        super::print(&format!(
            "\n  The first admin of this server (shown once; also in bootstrap.json):\n\n    client id      {}\n    client secret  {}\n\n",
            first.client_id,
            first.client_secret.expose()
        ));
    }
}

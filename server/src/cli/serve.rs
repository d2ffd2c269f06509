//! `agentidp serve`.

use std::{io::IsTerminal, sync::Arc};

use tokio::signal::unix::{SignalKind, signal};

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
            let server = Server::start(config, Arc::new(SystemClock)).await?;
            show_bootstrap(server.app());
            tracing::info!(
                "AgentIdP {} listening on port {}",
                env!("CARGO_PKG_VERSION"),
                server.address().port()
            );
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("Shutting down gracefully...");
            server.stop().await;
            Ok(())
        })
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

//! `agentidp serve`. SIGHUP reads again what may change while it runs, and never ends it.

use std::{io::IsTerminal, sync::Arc};

use tokio::signal::unix::{SignalKind, signal};

use super::{Flags, logging};
use crate::{
    app::{App, StartError},
    clock::SystemClock,
    serve::Server,
    telemetry::Traces,
};

/// Serves until it is asked to stop.
pub fn run(flags: &Flags) -> Result<(), StartError> {
    let (config, source) = flags.config()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::failed)?;
    let traces = match &config.collector {
        Some(collector) => Some(Traces::start(collector, runtime.handle().clone())?),
        None => None,
    };
    let filter = config.log_filter.as_deref();
    logging::start(config.log_format, filter, traces.as_ref());
    for name in source.unknown() {
        tracing::warn!("{name} is not a variable of this server; is it misspelt?");
    }
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(StartError::failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::failed)?;
        // Before anything else, so that a signal that comes early does not end the process.
        let mut hangup = signal(SignalKind::hangup()).map_err(StartError::failed)?;
        let server = tokio::select! {
            server = Server::start(config, Arc::new(SystemClock)) => server?,
            // A database that does not answer must not keep it. What was begun is as after a crash.
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
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
                _ = hangup.recv() => server.reload().await,
            }
        }
        tracing::info!("Shutting down gracefully...");
        let again = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        server.stop_hurried(again).await;
        if let Some(traces) = traces {
            traces.stop().await;
        }
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

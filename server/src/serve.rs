//! Listening, and stopping without losing anything.
//!
//! Stopping: `/health` says 503 for the configured grace, then nothing is accepted any more, what
//! is in flight gets 30 s, what is queued is written, and the process ends with 0.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tower::ServiceExt;

use crate::{
    app::{App, StartError},
    clock::Clock,
    config::Config,
    http::PeerAddress,
};

/// How long requests in flight get when the server stops.
const IN_FLIGHT_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take to send its request line and headers.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Among a response's extensions: close the connection instead of answering. Only the mock asks for it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection was closed on purpose")]
pub struct HangUp;

/// A listening server.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    grace: Duration,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Server {
    /// Binds, starts everything and accepts. Returns when requests are answered.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::start_behind(config, clock, App::router).await
    }

    /// The same with something in front of the app: `front` makes the router that answers.
    pub async fn start_behind(
        config: Config,
        clock: Arc<dyn Clock>,
        front: impl FnOnce(&App) -> Router,
    ) -> Result<Self, StartError> {
        let wanted = SocketAddr::new(config.host, config.port);
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| StartError::Failed(format!("cannot listen on {wanted}: {error}")))?;
        let address = listener.local_addr().map_err(StartError::failed)?;
        let config = config.bound_to(address.port());
        let app = Arc::new(App::start(&config, clock).await?);
        let (stop, stopped) = watch::channel(false);
        let listening = tokio::spawn(listen(listener, front(&app), stopped));
        Ok(Self {
            address,
            app,
            grace: config.shutdown_grace,
            stop,
            listening,
        })
    }

    /// Where it listens; the port is the real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it runs.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Finishes what is in flight, writes what is queued, closes.
    pub async fn stop(self) {
        self.app.say_stopping();
        tokio::time::sleep(self.grace).await;
        // The listener holds the other end: sending fails only when it has ended already.
        let _ = self.stop.send(true);
        if let Err(error) = self.listening.await {
            tracing::error!(%error, "the listener failed");
        }
        self.app.stop().await;
    }
}

async fn listen(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX);
    builder.http2().timer(TokioTimer::new());
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => connection(&builder, &graceful, stream, peer, router.clone()),
            Err(error) => pause(&error).await,
        }
    }
    drop(listener);
    if tokio::time::timeout(IN_FLIGHT_TIME_MAX, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

fn connection(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) {
    // Small answers must not wait for the next one.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(PeerAddress(peer));
        let router = router.clone();
        async move {
            let response = router
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            match response.extensions().get::<HangUp>() {
                None => Ok(response),
                Some(hang_up) => Err(*hang_up),
            }
        }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    });
}

/// A client that is gone already is its own affair; anything else may last.
async fn pause(error: &io::Error) {
    let gone = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !gone {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

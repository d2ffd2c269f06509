//! Listening, and stopping without losing anything.
//!
//! Stopping: `/health` says 503 for the configured grace, or until it is asked again, then nothing is accepted any more, what
//! is in flight gets 30 s, what is queued is written, and the process ends with 0.

mod bare;
mod opening;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tower::ServiceExt;

use crate::{
    app::{App, StartError},
    clock::Clock,
    config::Config,
    http::{OverTls, PeerAddress},
    tls::Certificate,
};
use bare::Dressing;
use opening::Opening;

/// How long requests in flight get when the server stops.
const IN_FLIGHT_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take to send its request line and headers.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a client of HTTP/2 is asked whether it is there, and how long it may take to say so. Requests of HTTP/1.1 have
/// [`HEADER_TIME_MAX`]; in HTTP/2 nothing else ends a connection whose other end is gone.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
const HTTP2_PING_TIME_MAX: Duration = Duration::from_secs(10);
/// What hyper lets pass of HTTP/2's headers, in bytes: far more than the pipeline does, because its answer says more.
const HTTP2_HEADERS_MAX: u32 = 256 * 1024;
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
    metrics: Option<Scraped>,
    certificate: Option<Arc<Certificate>>,
}

/// `METRICS_ADDR`: where `/metrics` alone is answered.
struct Scraped {
    address: SocketAddr,
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
        let certificate = match config.front.tls.clone() {
            Some(files) => Some(Arc::new(Certificate::load(files)?)),
            None => None,
        };
        let (listener, address) = bind(SocketAddr::new(config.host, config.port)).await?;
        let scraped = match config.metrics_address {
            Some(wanted) => Some(bind(wanted).await?),
            None => None,
        };
        let config = config.bound_to(address.port());
        let app = Arc::new(App::start(&config, clock).await?);
        let (stop, stopped) = watch::channel(false);
        let listening = tokio::spawn(listen(
            listener,
            Front::new(front(&app), certificate.clone()),
            stopped.clone(),
        ));
        let metrics = scraped.map(|(listener, address)| Scraped {
            address,
            listening: tokio::spawn(listen(
                listener,
                Front::new(app.metrics_router(), None),
                stopped,
            )),
        });
        Ok(Self {
            metrics,
            certificate,
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

    /// Where it answers `/metrics`, when that is a place of its own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|scraped| scraped.address)
    }

    /// What it runs.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Reads again what may change while it runs: the policy, and the certificate that it serves.
    pub async fn reload(&self) {
        Arc::clone(self.app.policy()).reload_and_report().await;
        let Some(certificate) = self.certificate.clone() else {
            return;
        };
        match tokio::task::spawn_blocking(move || certificate.reload()).await {
            Ok(Ok(())) => tracing::info!("the TLS certificate was read again"),
            Ok(Err(error)) => {
                tracing::error!(%error, "the TLS certificate was refused; the old one is kept");
            }
            Err(error) => tracing::error!(%error, "the TLS certificate could not be read"),
        }
    }

    /// Finishes what is in flight, writes what is queued, closes.
    pub async fn stop(self) {
        self.stop_hurried(std::future::pending()).await;
    }

    /// The same, but the grace ends when `hurry` does: who asks again has no balancer to wait for.
    pub async fn stop_hurried(self, hurry: impl Future<Output = ()>) {
        self.app.say_stopping();
        tokio::select! {
            () = tokio::time::sleep(self.grace) => {}
            () = hurry => tracing::info!("Asked again: the grace is over"),
        }
        // The listener holds the other end: sending fails only when it has ended already.
        let _ = self.stop.send(true);
        let scraping = self.metrics.map(|scraped| scraped.listening);
        for listening in std::iter::once(self.listening).chain(scraping) {
            if let Err(error) = listening.await {
                tracing::error!(%error, "the listener failed");
            }
        }
        self.app.stop().await;
    }
}

async fn bind(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(wanted)
        .await
        .map_err(|error| StartError::Failed(format!("cannot listen on {wanted}: {error}")))?;
    let address = listener.local_addr().map_err(StartError::failed)?;
    Ok((listener, address))
}

/// What every connection of a listener meets.
#[derive(Clone)]
struct Front {
    protocol: auto::Builder<TokioExecutor>,
    router: Router,
    certificate: Option<Arc<Certificate>>,
}

async fn listen(listener: TcpListener, front: Front, mut stopped: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(front.clone().connection(stream, peer, graceful.watcher()));
            }
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

impl Front {
    fn new(router: Router, certificate: Option<Arc<Certificate>>) -> Self {
        let mut protocol = auto::Builder::new(TokioExecutor::new());
        protocol
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME_MAX);
        protocol
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HTTP2_PING_INTERVAL)
            .keep_alive_timeout(HTTP2_PING_TIME_MAX)
            .max_header_list_size(HTTP2_HEADERS_MAX);
        Self {
            protocol,
            router,
            certificate,
        }
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Small answers must not wait for the next one.
        let _ = stream.set_nodelay(true);
        match self.certificate.clone() {
            None => self.serve(stream, peer, watcher, false).await,
            Some(certificate) => match certificate.accept(stream).await {
                Ok(stream) => self.serve(stream, peer, watcher, true).await,
                Err(error) => tracing::debug!(%peer, %error, "a client spoke no TLS"),
            },
        }
    }

    async fn serve<S>(self, stream: S, peer: SocketAddr, watcher: Watcher, over_tls: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            protocol, router, ..
        } = self;
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(PeerAddress(peer));
            if over_tls {
                request.extensions_mut().insert(OverTls);
            }
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
        let stream = Dressing::new(Opening::new(stream, HEADER_TIME_MAX), over_tls);
        let connection = protocol.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection.into_owned()).await {
            tracing::debug!(%peer, %error, "a connection ended early");
        }
    }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// The preface of HTTP/2 and empty settings.
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    /// Headers that are to be continued.
    const HALF: &[u8] = b"\0\0\x03\x01\0\0\0\0\x01\x82\x86\x84";

    #[tokio::test(start_paused = true)]
    async fn a_client_of_http2_that_is_gone_is_not_kept() {
        for sent in [HELLO.to_vec(), [HELLO, HALF].concat()] {
            let (mut client, server) = duplex(64 * 1024);
            let graceful = GracefulShutdown::new();
            let peer = SocketAddr::from(([192, 0, 2, 1], 1));
            let serving =
                Front::new(Router::new(), None).serve(server, peer, graceful.watcher(), false);
            client.write_all(&sent).await.unwrap();
            let mut heard = Vec::new();
            let patience = 2 * (HTTP2_PING_INTERVAL + HTTP2_PING_TIME_MAX);
            let (ended, _) = tokio::join!(
                tokio::time::timeout(patience, serving),
                // It reads and never answers.
                tokio::time::timeout(patience, client.read_to_end(&mut heard)),
            );
            assert!(ended.is_ok(), "it is still served");
        }
    }
}

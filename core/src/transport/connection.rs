//! One connection that HTTP is spoken on.
//!
//! Owns: the handshakes, sending one request, and reading from an error whether the request was
//! acted upon.
//! Refuses: choosing a connection, and keeping one.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::SemaphorePermit;

use super::{Failure, chain, connect::Line};

/// An HTTP/2 connection with calls out that is silent for this long is asked whether it still lives.
const PING_AFTER: Duration = Duration::from_secs(15);
/// The time that it has to say so.
const PONG_WITHIN: Duration = Duration::from_secs(10);

pub(super) type Body = Full<Bytes>;
pub(super) type Single = http1::SendRequest<Body>;
pub(super) type Multi = http2::SendRequest<Body>;

/// A connection for one exchange.
pub(super) enum Lease<'a> {
    Single {
        sender: Single,
        reused: bool,
        permit: SemaphorePermit<'a>,
    },
    Multi {
        sender: Multi,
    },
}

impl Lease<'_> {
    pub async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        match self {
            Lease::Single { sender, .. } => sender.try_send_request(request).await,
            Lease::Multi { sender } => sender.try_send_request(request).await,
        }
    }

    /// Whether it may have been closed since it was made.
    pub fn is_reused(&self) -> bool {
        match self {
            Lease::Single { reused, .. } => *reused,
            Lease::Multi { .. } => true,
        }
    }
}

pub(super) async fn single(line: Line) -> Result<Single, Failure> {
    let made = http1::handshake(TokioIo::new(line.stream)).await;
    let (sender, connection) = made.map_err(|e| Failure::NotSent(chain(&e)))?;
    // How it ends is told to the exchange that runs on it.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

pub(super) async fn multi(line: Line) -> Result<Multi, Failure> {
    let made = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PONG_WITHIN)
        .handshake(TokioIo::new(line.stream))
        .await;
    let (sender, connection) = made.map_err(|e| Failure::NotSent(chain(&e)))?;
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// The request may have left - unless the server says that it has done nothing about it.
pub(super) fn broken(error: &hyper::Error) -> Failure {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(http2) = cause.downcast_ref::<h2::Error>() {
            let refused = http2.is_reset() && http2.reason() == Some(h2::Reason::REFUSED_STREAM);
            let leaving = http2.is_go_away() && http2.reason() == Some(h2::Reason::NO_ERROR);
            if http2.is_remote() && (refused || leaving) {
                return Failure::NotSent(chain(error));
            }
        }
        next = cause.source();
    }
    Failure::Broken(chain(error))
}

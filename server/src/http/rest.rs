//! What a client still sends of a body when its request is answered already: refused by its size, its token, its path.
//!
//! In HTTP/1.1 a connection is closed behind an answer that came before the body's end, and a client that is still
//! sending finds it broken and never reads the answer. So the rest is read and thrown away first, within bounds. Not
//! where the client waits to be told to send it (`Expect: 100-continue`), and not in HTTP/2, whose streams end alone.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    http::{Request, Version, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::{sync::oneshot, time::timeout};

/// How much is thrown away; who sends more loses its answer.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// For how long.
const TIME_MAX: Duration = Duration::from_secs(5);
/// How long nothing may come.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A body that gives itself back when it is dropped before its end.
struct Lent {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
}

/// Where it comes back.
pub struct Rest(Option<oneshot::Receiver<Body>>);

impl Rest {
    /// Of that request.
    pub fn of(request: Request<Body>) -> (Request<Body>, Self) {
        let answerable = request.version() >= Version::HTTP_2
            || request.headers().contains_key(header::EXPECT)
            || request.body().is_end_stream();
        if answerable {
            return (request, Self(None));
        }
        let (back, rest) = oneshot::channel();
        let lend = |body| {
            Body::new(Lent {
                body,
                back: Some(back),
            })
        };
        (request.map(lend), Self(Some(rest)))
    }

    /// Throws away what is left, once the request is answered.
    pub async fn discard(self) {
        let Some(body) = self.0.and_then(|mut rest| rest.try_recv().ok()) else {
            return;
        };
        if body.size_hint().lower() > BYTES_MAX as u64 {
            return;
        }
        let mut body = Limited::new(body, BYTES_MAX);
        let reading =
            async { while let Ok(Some(Ok(_))) = timeout(PAUSE_MAX, body.frame()).await {} };
        // What did not come in time is not waited for.
        let _ = timeout(TIME_MAX, reading).await;
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.back = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take().filter(|_| !self.body.is_end_stream()) {
            // Nobody waits for it any more when the client is gone.
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

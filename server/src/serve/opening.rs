//! The first bytes of a connection, which say whether it speaks HTTP/2 or 1.1, have to come in time.
//!
//! hyper begins to watch the clock when it knows the protocol. Without this a client that sends nothing, or the beginning
//! of HTTP/2's preface and no more, would keep its connection for ever. Knows nothing of requests.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// What every HTTP/2 connection begins with; anything else is HTTP/1.1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose reads fail when it has not said in time which protocol it speaks.
pub struct Opening<S> {
    stream: S,
    /// How much of the preface came, and until when the rest may; `None` once the protocol is known.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Opening<S> {
    /// The time runs from now on, inside a runtime.
    pub fn new(stream: S, time_max: Duration) -> Self {
        Self {
            stream,
            waiting: Some((0, Box::pin(sleep(time_max)))),
        }
    }

    fn learn(&mut self, came: &[u8]) {
        if let Some((known, _)) = &mut self.waiting {
            let rest = &PREFACE[*known..];
            if came.len() < rest.len() && rest.starts_with(came) {
                *known += came.len();
            } else {
                self.waiting = None;
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        let Some((_, deadline)) = &mut this.waiting else {
            return polled;
        };
        match polled {
            Poll::Pending => deadline
                .as_mut()
                .poll(context)
                .map(|()| Err(io::ErrorKind::TimedOut.into())),
            Poll::Ready(done) => {
                this.learn(&buffer.filled()[before..]);
                Poll::Ready(done)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const TIME_MAX: Duration = Duration::from_secs(10);

    /// Sends that and no more; what reading it twice says.
    async fn after(sent: &[u8]) -> [Result<usize, Option<io::ErrorKind>>; 2] {
        let (mut client, server) = duplex(64);
        let mut server = Opening::new(server, TIME_MAX);
        client.write_all(sent).await.unwrap();
        let mut buffer = [0; 64];
        let mut read = async || {
            let came = tokio::time::timeout(2 * TIME_MAX, server.read(&mut buffer)).await;
            // `None`: it waits for ever.
            came.map_or(Err(None), |came| came.map_err(|error| Some(error.kind())))
        };
        [read().await, read().await]
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_say_what_it_speaks_is_not_waited_for() {
        let late = Err(Some(io::ErrorKind::TimedOut));
        assert_eq!(after(b"").await[0], late);
        assert_eq!(after(b"PRI * HT").await, [Ok(8), late]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_did_is_no_longer_watched_here() {
        for said in [PREFACE, b"GET /", b"POST /", b"PUT", b"PRI * HTTP/2.1"] {
            assert_eq!(after(said).await, [Ok(said.len()), Err(None)], "{said:?}");
        }
    }
}

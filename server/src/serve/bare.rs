//! hyper answers a head that it cannot read by itself, with a status and nothing else. Here such an answer gets what every
//! other one has: a body, a request id, the security headers.
//!
//! It is known by what it lacks: it is a head alone, without the request id that everything behind the router has. hyper
//! sends it when nothing else is being sent, as the last thing on its connection. Knows HTTP/1.1 only: in HTTP/2 such answers
//! are frames, and compressed.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    error::ApiError,
    generated::codes::Code,
    http::{self, REQUEST_ID},
};

const BEGINNING: &[u8] = b"HTTP/1.1 4";
const END: &[u8] = b"\r\n\r\n";

/// A stream on which bare answers are dressed.
pub struct Dressing<S> {
    stream: S,
    over_tls: bool,
    /// What is sent in the place of a bare answer, as far as it is not sent yet.
    instead: Bytes,
}

impl<S> Dressing<S> {
    /// Over that stream.
    pub fn new(stream: S, over_tls: bool) -> Self {
        Self {
            stream,
            over_tls,
            instead: Bytes::new(),
        }
    }

    /// Whether these bytes are a bare answer, for which another one is sent from now on.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        match dressed(bytes, self.over_tls) {
            Some(instead) => {
                self.instead = instead;
                true
            }
            None => false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Dressing<S> {
    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.instead.has_remaining() {
            let sent = Pin::new(&mut self.stream).poll_write(context, &self.instead);
            match ready!(sent)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.instead.advance(sent),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The answer that a bare one should have been; `None` for any other bytes.
fn dressed(bytes: &[u8], over_tls: bool) -> Option<Bytes> {
    if !bytes.starts_with(BEGINNING) || !bytes.ends_with(END) {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.trim_end();
    let mut lines = head.split("\r\n");
    let status_line = lines.next()?;
    let named = |line: &str, name: &str| {
        let found = line.split_once(':');
        found.is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
    };
    if lines.clone().any(|line| named(line, REQUEST_ID)) {
        return None;
    }
    let error = match status_line.split(' ').nth(1)? {
        "400" => ApiError::new(Code::ValidationError).message("The request's head is not HTTP."),
        "414" => ApiError::new(Code::UriTooLong),
        "431" => ApiError::new(Code::HeadersTooLarge),
        _ => return None,
    };
    let (request_id, headers, body) = http::unrouted(&error, over_tls);
    let (status, code) = (error.code().status(), error.code().as_str());
    tracing::info!(target: "agentidp::access", request_id, status, code, "a head could not be read");
    let mut answer = format!("{status_line}\r\n");
    let kept = lines.filter(|line| named(line, "date"));
    let length = format!("content-length: {}", body.len());
    for line in kept.chain([length.as_str(), "connection: close"]) {
        answer += line;
        answer += "\r\n";
    }
    for (name, value) in &headers {
        answer += &format!("{name}: {}\r\n", value.to_str().ok()?);
    }
    answer += "\r\n";
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(&body);
    Some(answer.into())
}

impl<S: AsyncRead + Unpin> AsyncRead for Dressing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Dressing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        if self.takes(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        let mut filled = bytes.iter().filter(|slice| !slice.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next())
            && self.takes(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\
        date: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n";

    #[tokio::test]
    async fn a_bare_answer_is_dressed_even_when_the_client_takes_it_bit_by_bit() {
        let (mut client, server) = duplex(7);
        let mut server = Dressing::new(server, true);
        let sending = tokio::spawn(async move {
            server.write_all(BARE.as_bytes()).await.unwrap();
            server.flush().await.unwrap();
            server.shutdown().await.unwrap();
        });
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        sending.await.unwrap();
        let (head, body) = got.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        for expected in [
            "date: Mon, 01 Jan 2024 00:00:00 GMT".to_owned(),
            "x-content-type-options: nosniff".to_owned(),
            "strict-transport-security: max-age=31536000".to_owned(),
            format!("content-length: {}", body.len()),
        ] {
            assert!(
                head.lines().any(|line| line == expected),
                "{expected}: {head}"
            );
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["code"], "HEADERS_TOO_LARGE");
    }

    #[test]
    fn nothing_else_is_touched() {
        let ours = BARE.replace("date:", "X-Request-Id: 1\r\ndate:");
        let other = BARE.replace("431", "418");
        let good = BARE.replace("431", "200");
        let with_body = format!("{BARE}{{}}");
        for bytes in [&ours, &other, &good, &with_body, "\r\n\r\n", "{}", ""] {
            assert_eq!(dressed(bytes.as_bytes(), false), None, "{bytes}");
        }
    }
}

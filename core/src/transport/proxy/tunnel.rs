//! Getting through a proxy: where it is, and the `CONNECT` tunnel (RFC 9110 section 9.3.6).

use std::{fmt, io};

use http::HeaderValue;
use hyper_util::client::proxy::matcher::Intercept;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The head of a proxy's answer to `CONNECT` may have this many bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

pub(in crate::transport) const ASKS_FOR_PASSWORD: &str =
    "the proxy asks for a user name and a password (407)";

/// A proxy.
pub(in crate::transport) struct Proxy {
    pub secure: bool,
    pub host: String,
    pub port: u16,
    pub authorization: Option<HeaderValue>,
}

/// Where it is, without its password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{}", self.host, self.port)
    }
}

impl Proxy {
    pub(super) fn new(found: &Intercept) -> Result<Self, String> {
        let uri = found.uri();
        let scheme = uri.scheme_str().unwrap_or_default();
        let (secure, port) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            other => {
                return Err(format!(
                    "the proxy is one for {other}; only http and https are supported"
                ));
            }
        };
        Ok(Self {
            secure,
            host: uri.host().unwrap_or_default().to_owned(),
            port: uri.port_u16().unwrap_or(port),
            authorization: found.basic_auth().cloned(),
        })
    }

    /// Asks for a tunnel to `target` (`host:port`).
    pub async fn tunnel<S>(&self, stream: &mut S, target: &str) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await?;
        stream.flush().await?;
        let head = head(stream).await?;
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(io::Error::other(ASKS_FOR_PASSWORD)),
            Some(status) => Err(io::Error::other(format!(
                "the proxy answered {status} to CONNECT"
            ))),
            None => Err(io::Error::other("the proxy does not speak HTTP")),
        }
    }
}

/// Reads up to the empty line and not a byte further: what follows is the server's.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == ANSWER_BYTES_MAX {
            return Err(io::Error::other("the proxy's answer is too long"));
        }
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other("the proxy closed the connection"));
            }
            Err(e) => return Err(e),
        }
    }
    Ok(head)
}

/// `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|b| *b == b'\r').next()?).ok()?;
    let (version, rest) = line.split_once(' ')?;
    version
        .starts_with("HTTP/1.")
        .then(|| rest.split(' ').next())
        .flatten()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn a_status_line_is_read() {
        assert_eq!(
            status(b"HTTP/1.1 200 Connection established\r\n\r\n"),
            Some(200)
        );
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for wrong in [
            &b"SSH-2.0-x\r\n"[..],
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 ok\r\n",
            b"",
        ] {
            assert_eq!(status(wrong), None);
        }
    }
}

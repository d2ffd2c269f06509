//! A connection of the scripted server: plain, or TLS, or TLS inside the tunnel of a proxy.
//!
//! The scripted server is its own proxy: a request in absolute form is answered as if the origin had
//! been reached, and so is what comes out of a tunnel, wherever that was to lead.

use std::sync::Arc;

use rustls::ServerConfig;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::http1;

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// Both directions of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What the requests are read from, and the request that asked for the tunnel, if there was one.
/// `None`: the client did not get that far.
pub async fn open(
    mut tcp: TcpStream,
    tls: Option<&Arc<ServerConfig>>,
) -> Option<(Box<dyn Stream>, Option<Value>)> {
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else {
        return Some((Box::new(tcp), None));
    };
    let mut first = [0];
    tcp.peek(&mut first).await.ok().filter(|n| *n > 0)?;
    let mut tunnel = None;
    if first[0] != HANDSHAKE {
        // A client sends nothing into a tunnel before it has been told that there is one.
        let request = http1::read_request(&mut tcp, &mut Vec::new()).await?;
        let status = if request["method"] == "CONNECT" {
            "200 Connected"
        } else {
            "400 Bad Request"
        };
        let answer = format!("HTTP/1.1 {status}\r\n\r\n");
        tcp.write_all(answer.as_bytes()).await.ok()?;
        tunnel = Some(request);
    }
    let stream = TlsAcceptor::from(tls.clone()).accept(tcp).await.ok()?;
    Some((Box::new(stream), tunnel))
}

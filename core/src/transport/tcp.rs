//! A TCP connection, made by trying a host's addresses side by side (RFC 8305).
//!
//! Owns: name resolution, the order of the tries, a socket from its first moment to its last.
//! Refuses: time limits (the caller drops the future), and closing what belongs to a parent process.

use std::{
    collections::VecDeque,
    io,
    mem::ManuallyDrop,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

#[cfg(unix)]
use super::descriptors::Registered;

/// The head start of one address before the next one is tried as well.
const HEAD_START: Duration = Duration::from_millis(250);
/// How long a silent connection is left alone before the system asks whether it still lives.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects to the first address that answers.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<Tcp> {
    let mut waiting = interleave(&resolve(host, port).await?);
    let mut running = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        match waiting.pop_front() {
            Some(address) => running.push(Tcp::connect(address)),
            None if running.is_empty() => return Err(last),
            None => {}
        }
        tokio::select! {
            biased;
            Some(done) = running.next() => match done {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            },
            () = tokio::time::sleep(HEAD_START), if !waiting.is_empty() => {}
        }
    }
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = tokio::net::lookup_host((host, port)).await.map_err(|e| {
        io::Error::new(e.kind(), format!("the name {host} cannot be resolved: {e}"))
    })?;
    Ok(found.collect())
}

/// The families take turns, beginning with the one that the system puts first.
fn interleave(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let mut order = VecDeque::with_capacity(addresses.len());
    let mut same = addresses.iter().filter(|a| a.is_ipv4() == first);
    let mut other = addresses.iter().filter(|a| a.is_ipv4() != first);
    loop {
        let before = order.len();
        order.extend(same.next().into_iter().chain(other.next()));
        if order.len() == before {
            return order;
        }
    }
}

/// A connected socket that a forked child neither uses nor keeps.
pub(super) struct Tcp {
    stream: ManuallyDrop<TcpStream>,
    #[cfg(unix)]
    registered: Registered,
}

impl Tcp {
    async fn connect(address: SocketAddr) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        // Noted from its first moment, while the connection is still being made.
        #[cfg(unix)]
        let registered = Registered::new(std::os::fd::AsRawFd::as_raw_fd(&socket));
        let begun = begin(&socket, address);
        #[cfg(unix)]
        if begun.is_err() {
            registered.release();
        }
        begun?;
        let stream = TcpStream::from_std(socket.into());
        #[cfg(unix)]
        if stream.is_err() {
            registered.release();
        }
        let tcp = Self {
            stream: ManuallyDrop::new(stream?),
            #[cfg(unix)]
            registered,
        };
        tcp.stream.writable().await?;
        match tcp.stream.take_error()? {
            Some(error) => Err(error),
            None => Ok(tcp),
        }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

/// Sets the socket up and sends the connection on its way.
fn begin(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    match socket.connect(&address.into()) {
        Err(error) if !in_progress(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The connection is on its way.
fn in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}

impl Drop for Tcp {
    fn drop(&mut self) {
        // In a forked child the number may be somebody else's by now, and taking the socket out of
        // the event queue would take it out of the parent's, which is the same.
        #[cfg(unix)]
        if !self.registered.release() {
            return;
        }
        // SAFETY: it is not used again.
        unsafe { ManuallyDrop::drop(&mut self.stream) };
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts
            .iter()
            .map(|t| t.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn families_take_turns() {
        let given = addresses(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"]);
        let wanted = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(interleave(&given), wanted);
        assert!(interleave(&[]).is_empty());
    }

    #[tokio::test]
    async fn an_address_in_brackets_is_no_name() {
        let found = resolve("[::1]", 7).await.expect("an address");
        assert_eq!(found, addresses(&["[::1]:7"]));
    }
}

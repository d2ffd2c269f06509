//! `agentidp healthcheck`: what a container's health check runs, so that an image needs no curl.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use super::{Flags, print};
use crate::app::StartError;

const PATH: &str = "/health";
const PATIENCE: Duration = Duration::from_secs(5);

/// Succeeds when the server that this configuration would start answers 200.
pub fn run(flags: &Flags) -> Result<(), StartError> {
    let (config, _) = flags.config()?;
    let host = match config.host {
        IpAddr::V4(host) if host.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(host) if host.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        host => host,
    };
    let address = SocketAddr::new(host, config.port);
    let status = ask(address)
        .map_err(|error| StartError::Failed(format!("no answer from {address}: {error}")))?;
    if status == "200" {
        print("healthy\n");
        Ok(())
    } else {
        Err(StartError::Failed(format!("{address} answered {status}")))
    }
}

/// The status of the answer, as text.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut head = [0; 64];
    let mut filled = 0;
    while filled < head.len() {
        match stream.read(&mut head[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    let line = String::from_utf8_lossy(&head[..filled]).into_owned();
    Ok(line.split(' ').nth(1).unwrap_or("nothing").to_owned())
}

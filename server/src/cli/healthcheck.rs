//! `agentidp healthcheck`: what a container's health check runs, so that an image needs no curl.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
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
    let status = connect(address, config.front.tls.is_some())
        .and_then(|stream| ask(stream, address))
        .map_err(|error| StartError::Failed(format!("no answer from {address}: {error}")))?;
    if status == "200" {
        print("healthy\n");
        Ok(())
    } else {
        Err(StartError::Failed(format!("{address} answered {status}")))
    }
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

fn connect(address: SocketAddr, over_tls: bool) -> std::io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if !over_tls {
        return Ok(Box::new(stream));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OurOwn(provider)))
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    let connection =
        ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?;
    Ok(Box::new(StreamOwned::new(connection, stream)))
}

/// The status of the answer, as text.
fn ask(mut stream: impl Stream, address: SocketAddr) -> std::io::Result<String> {
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

/// Takes any certificate: this process asks its neighbour on the same machine by its address, which no certificate names,
/// whether it lives, and tells it nothing.
#[derive(Debug)]
struct OurOwn(Arc<CryptoProvider>);

impl ServerCertVerifier for OurOwn {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

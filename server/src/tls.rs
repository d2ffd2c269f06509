//! TLS that the server speaks itself: a certificate and its key, read from two PEM files at the start and again on
//! SIGHUP. Files that cannot be used change nothing: what was served before is served on.

use std::{io, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{io::AsyncRead, io::AsyncWrite, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::config::{ConfigError, TlsFiles};

/// How long a client may take to agree on keys.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// What is served.
pub struct Certificate {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
}

impl Certificate {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Self, ConfigError> {
        let current = ArcSwap::from_pointee(read(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the files again; connections that there are keep what they have. Blocks.
    pub fn reload(&self) -> Result<(), ConfigError> {
        self.current.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// Agrees on keys with a client, in bounded time.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.current.load_full());
        timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, ConfigError> {
    let of_certificate = |problem: String| {
        let problem = format!("{:?} {problem}", files.certificate);
        ConfigError::new("TLS_CERT", problem, "/etc/agentidp/tls.crt")
    };
    let of_key = |problem: String| {
        let problem = format!("{:?} {problem}", files.key);
        ConfigError::new("TLS_KEY", problem, "/etc/agentidp/tls.key")
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_certificate(format!("cannot be used ({error})")))?;
    if chain.is_empty() {
        return Err(of_certificate("holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| of_key(format!("cannot be used ({error})")))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| of_certificate(format!("cannot be served ({error})")))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| of_key(format!("does not go with the certificate ({error})")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

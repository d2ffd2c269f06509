//! TLS: rustls on aws-lc-rs, passed explicitly, so that no process-wide choice of the host matters.
//!
//! Trusted are the roots of the operating system, a bundled set (for images that have none) and the
//! configured CA bundle. A server that asks who connects is shown the configured certificate.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use crate::{
    Error,
    config::{ClientIdentity, Network},
};

/// How TLS is spoken to servers and to proxies.
pub(super) struct Tls {
    /// HTTP/2 or 1.1, as the server likes.
    pub server: TlsConnector,
    /// HTTP/1.1, which is what proxies are asked in.
    pub proxy: TlsConnector,
}

impl Tls {
    pub fn build(network: &Network) -> Result<Self, Error> {
        let mut server = configuration(network)?;
        let mut proxy = server.clone();
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        proxy.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: TlsConnector::from(Arc::new(server)),
            proxy: TlsConnector::from(Arc::new(proxy)),
        })
    }
}

fn configuration(network: &Network) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots: Vec<CertificateDer<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    if let Some(path) = &network.ca_bundle {
        roots.extend(certificates("ca_bundle", &path.value)?);
    }
    let failed = |e: rustls::Error| Error::configuration(format!("TLS cannot be set up: {e}"));
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(failed)?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(ClientIdentity { certificate, key }) = &network.client_identity else {
        return Ok(tls.with_no_client_auth());
    };
    let chain = certificates("client_certificate", certificate)?;
    tls.with_client_auth_cert(chain, private_key(key)?)
        .map_err(|e| {
            Error::configuration(format!(
                "client_certificate {} and client_key {} cannot be used: {e}",
                certificate.display(),
                key.display()
            ))
        })
}

/// Every certificate of a PEM file; a file without one is a mistake.
fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault = |what: String| Error::configuration(format!("{option} {}: {what}", path.display()));
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| fault(format!("cannot be read as PEM ({e})")))?;
    if found.is_empty() {
        return Err(fault("holds no certificate".into()));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| {
        Error::configuration(format!(
            "client_key {}: holds no private key in PEM ({e})",
            path.display()
        ))
    })
}

//! TLS: rustls on aws-lc-rs, passed explicitly, so that no process-wide choice of the host matters.
//!
//! Trusted are the roots of the operating system, a bundled set (for images that have none) and the
//! configured CA bundle.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use crate::{Error, config::Network};

pub(super) fn configuration(network: &Network) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots: Vec<CertificateDer<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    if let Some(path) = &network.ca_bundle {
        roots.extend(bundle(&path.value)?);
    }
    let failed = |e: rustls::Error| Error::configuration(format!("TLS cannot be set up: {e}"));
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(failed)?;
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

/// Every certificate of a PEM file; a file without one is a mistake.
fn bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault =
        |what: String| Error::configuration(format!("ca_bundle {}: {what}", path.display()));
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| fault(format!("cannot be read as PEM ({e})")))?;
    if found.is_empty() {
        return Err(fault("holds no certificate".into()));
    }
    Ok(found)
}

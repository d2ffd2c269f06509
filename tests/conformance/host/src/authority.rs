//! The certificate authority of the cases that speak TLS: one that no system trusts, made for each run.
//!
//! Owns: its certificate, a server's and a client's, and the files that clients are given.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore, ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer,
    server::WebPkiClientVerifier,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::case::Result;

/// The run's authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// Made at the first use; its files are there until the host ends.
    pub fn get() -> Result<&'static Self> {
        static ONE: OnceLock<Result<Authority>> = OnceLock::new();
        let made = ONE.get_or_init(|| Self::new().map_err(|e| e.to_string()));
        made.as_ref().map_err(Clone::clone)
    }

    fn new() -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "The conformance suite's authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let this = Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            folder: tempfile::tempdir()?,
        };
        let (certificate, key) = this.issue("agent", ExtendedKeyUsagePurpose::ClientAuth)?;
        std::fs::write(this.file("ca.pem"), this.issuer.pem())?;
        std::fs::write(this.file("client.pem"), certificate.pem())?;
        std::fs::write(this.file("client.key"), key.serialize_pem())?;
        Ok(this)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a case gives its client: `${tls.ca}`, `${tls.certificate}`, `${tls.key}`.
    pub fn values(&self) -> Value {
        json!({
            "ca": self.file("ca.pem"),
            "certificate": self.file("client.pem"),
            "key": self.file("client.key"),
        })
    }

    /// The side of a server on loopback.
    pub fn server(&self, asks_for_client: bool) -> Result<Arc<ServerConfig>> {
        self.server_config(asks_for_client)
            .map_err(|e| e.to_string())
    }

    fn server_config(
        &self,
        asks_for_client: bool,
    ) -> std::result::Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
        let (certificate, key) = self.issue("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth)?;
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = if asks_for_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build()?)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        let tls = builder.with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Arc::new(tls))
    }

    fn issue(
        &self,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
    ) -> std::result::Result<(rcgen::Certificate, KeyPair), rcgen::Error> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate, key))
    }
}

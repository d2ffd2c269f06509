//! Vault over TLS: the stand-in's listener, and who has to prove what.

use std::{net::SocketAddr, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::stand_in::{StandIn, TOKEN};
use crate::process::Process;

/// Takes connections that speak TLS; others are dropped.
pub struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Tls {
    pub async fn bind(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: Arc::new(config).into(),
        }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A server that uses that Vault and trusts that file's certificates instead of the machine's.
fn start(data: &Path, vault: &StandIn, trusted: Option<&Path>) -> Process {
    let mut variables = vec![
        ("VAULT_ADDR", vault.address.as_str()),
        ("VAULT_TOKEN", TOKEN),
    ];
    variables.extend(trusted.map(|file| ("SSL_CERT_FILE", file.to_str().unwrap())));
    Process::start(data, &variables)
}

/// Vault as `/health/detailed` tells of it.
async fn vault(process: &Process) -> Value {
    let url = format!("http://127.0.0.1:{}/health/detailed", process.port);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let health: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    health["services"]["vault"]["status"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vault_over_tls_has_to_prove_who_it_is() {
    // Another test of this process may have been first; then there is one.
    let _ = aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    // An authority of one's own, and a certificate that it signed: what an operator has.
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "ours");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let bundle = folder.path().join("authority.pem");
    std::fs::write(&bundle, authority.pem()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let stand_in = StandIn::start_with_tls(certificate.der().clone(), key).await;

    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let trusting = start(&data, &stand_in, Some(&bundle));
    assert_ne!(vault(&trusting).await, "unreachable");
    let (said, _) = trusting.stop();
    let told = |what: &str| stand_in.calls().iter().any(|call| call.starts_with(what));
    assert!(told("POST secret/data/agentidp/agents/"), "{said}");

    // Whoever does not know the authority sends nothing: not the token either.
    let asked = stand_in.token_calls();
    let mut doubting = start(&data, &stand_in, None);
    assert_eq!(vault(&doubting).await, "unreachable");
    let line = doubting.has_said("VAULT_TOKEN");
    assert!(
        line["error"].as_str().unwrap().contains("certificate"),
        "{line}"
    );
    doubting.stop();
    assert_eq!(stand_in.token_calls(), asked);
}

//! HTTP calls that the server makes itself.
//!
//! Owns the one way to build a client for them: the TLS provider is passed explicitly, certificates
//! are judged by what the operating system trusts (`SSL_CERT_FILE` names what is trusted instead), time is bounded and
//! redirects are not followed: a header with a token must not travel to another host.
//! Refuses: calls to addresses that a caller chose.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// A client whose calls take no longer than `call_time_max`, connecting included.
///
/// # Errors
/// When the system's TLS or resolver set-up is unusable.
pub fn client(
    connect_time_max: Duration,
    call_time_max: Duration,
) -> Result<reqwest::Client, OutboundError> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect_time_max)
        .timeout(call_time_max)
        .tls_backend_preconfigured(tls()?)
        .build()?;
    Ok(client)
}

/// The machine lets nobody call out.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Anything else.
    #[error("no HTTP client can be made: {0}")]
    Client(#[from] reqwest::Error),
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let begin = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
    };
    match begin()?.with_platform_verifier() {
        Ok(builder) => Ok(builder.with_no_client_auth()),
        // A machine without any certificate can still speak plain http.
        Err(error) => {
            tracing::warn!(%error, "no trusted certificates: calls over https will fail");
            let nobody = RootCertStore::empty();
            Ok(begin()?
                .with_root_certificates(nobody)
                .with_no_client_auth())
        }
    }
}

//! How the network is reached: what a client and a verifier have in common.
//!
//! Owns: connecting, trust, the client's certificate, the proxy, headers of every request.
//! Refuses: applying any of it - that is `transport` - and showing a proxy's password.

use std::{fmt, path::PathBuf, time::Duration};

use http::{HeaderMap, HeaderValue};
use url::Url;

use super::{Environment, Source, Sourced, checks, or_default, variables};
use crate::{Secret, policy};

/// As it was given; `None` is "not given".
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkArguments {
    pub connect_timeout: Option<Duration>,
    /// Secret: a header of the caller's own may be a key of some gateway.
    pub headers: Vec<(String, Secret)>,
    pub ca_bundle: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// Secret: it may hold a password.
    pub proxy: Option<Secret>,
    /// `python` and `CPython 3.11.7`, for the User-Agent.
    pub host: Option<(String, String)>,
}

/// Checked.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// What making a connection may take.
    pub connect_timeout: Sourced<Duration>,
    /// On every request.
    pub headers: HeaderMap,
    /// A header of the caller's own that stands in for the client's token.
    pub authorization: Option<HeaderValue>,
    /// More certificate authorities.
    pub ca_bundle: Option<Sourced<PathBuf>>,
    /// What is shown to a server that asks who connects.
    pub client_identity: Option<ClientIdentity>,
    /// Wins over `HTTP_PROXY` and `HTTPS_PROXY`; `NO_PROXY` still counts.
    pub proxy: Option<Proxy>,
    pub user_agent: String,
}

/// PEM files of a certificate (with its chain) and its key.
#[derive(Clone, Debug)]
pub(crate) struct ClientIdentity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A proxy's URL: `http` or `https`, maybe with a user name and password.
#[derive(Clone)]
pub(crate) struct Proxy(pub Url);

impl Proxy {
    /// The URL with the password, and the name before it, masked.
    pub fn shown(&self) -> String {
        let mut url = self.0.clone();
        if !url.username().is_empty() || url.password().is_some() {
            // A URL with a host can carry both: there is nothing to fail.
            let _ = url.set_password(None);
            let _ = url.set_username("***");
        }
        url.to_string()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.shown()).finish()
    }
}

impl Network {
    /// Arguments, else environment, else defaults; everything that is wrong goes into `faults`.
    pub fn resolve(
        given: NetworkArguments,
        environment: Environment<'_>,
        faults: &mut Vec<String>,
    ) -> Self {
        let connect_timeout = or_default(given.connect_timeout, policy::CONNECT_TIMEOUT_DEFAULT);
        checks::duration("connect_timeout", connect_timeout.value, faults);
        let mut headers = checks::headers(&given.headers).unwrap_or_else(|fault| {
            faults.push(fault);
            HeaderMap::new()
        });
        Self {
            connect_timeout,
            authorization: headers.remove(http::header::AUTHORIZATION),
            headers,
            ca_bundle: ca_bundle(given.ca_bundle, environment),
            client_identity: client_identity(
                given
                    .client_certificate
                    .filter(|path| !path.as_os_str().is_empty()),
                given.client_key.filter(|path| !path.as_os_str().is_empty()),
                faults,
            ),
            proxy: given.proxy.and_then(|text| {
                let checked = checks::proxy(text.expose_secret());
                checked.map_err(|fault| faults.push(fault)).ok().map(Proxy)
            }),
            user_agent: user_agent(given.host),
        }
    }
}

fn ca_bundle(given: Option<PathBuf>, environment: Environment<'_>) -> Option<Sourced<PathBuf>> {
    if let Some(value) = given {
        return Some(Sourced {
            value,
            source: Source::Argument,
        });
    }
    environment(variables::CA_BUNDLE).map(|path| Sourced {
        value: PathBuf::from(path),
        source: Source::Environment(variables::CA_BUNDLE),
    })
}

/// Both or neither; an empty path is none.
fn client_identity(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    faults: &mut Vec<String>,
) -> Option<ClientIdentity> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ClientIdentity { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            faults.push("client_key is missing: client_certificate needs its key".into());
            None
        }
        (None, Some(_)) => {
            faults.push("client_certificate is missing: client_key needs its certificate".into());
            None
        }
    }
}

/// `sentryagent-idp/0.1.0 (python CPython 3.11.7; linux-x86_64)`, `(rust 1.95.0; …)`; nothing else is reported.
fn user_agent(host: Option<(String, String)>) -> String {
    let visible = |text: String| -> String {
        text.chars()
            .filter(|c| (' '..='~').contains(c) && !"()".contains(*c))
            .collect()
    };
    let host = match host {
        Some((language, runtime)) => format!("{} {}", visible(language), visible(runtime)),
        None => format!("rust {}", env!("AGENTIDP_RUSTC_VERSION")),
    };
    format!(
        "sentryagent-idp/{} ({}; {}-{})",
        env!("CARGO_PKG_VERSION"),
        host.trim(),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

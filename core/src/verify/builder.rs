//! How a verifier is set up.
//!
//! Owns: the settings, their checks and defaults. Refuses: any connection before the first token.

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::{Algorithm, Inner, TokenVerifier, cache::KeyCache, fetch, rules::Rules};
use crate::{
    AgentIdPClient, Error, Secret,
    client::Core,
    clock::{Clock, SystemClock},
    config::{Network, NetworkArguments, duration, process_environment, server_url},
    policy,
};

/// Configuration of a verifier.
#[derive(Clone, Debug)]
#[must_use = "build() makes the verifier"]
pub struct TokenVerifierBuilder {
    pub(crate) given: Arguments,
    client: Option<AgentIdPClient>,
    clock: Option<Arc<dyn Clock>>,
}

/// Everything as it was given; `None` is "not given".
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub issuer: String,
    pub audiences: Vec<String>,
    pub leeway: Option<Duration>,
    pub scopes: Vec<String>,
    pub algorithms: Option<Vec<Algorithm>>,
    pub jwks_uri: Option<String>,
    pub timeout: Option<Duration>,
    pub allow_insecure_http: bool,
    pub network: NetworkArguments,
}

/// Checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    rules: Rules,
    jwks_uri: Option<Url>,
    timeout: Duration,
    allow_insecure_http: bool,
    network: Network,
}

impl TokenVerifierBuilder {
    pub(super) fn new(issuer: String, audience: String) -> Self {
        Self {
            given: Arguments {
                issuer,
                audiences: vec![audience],
                ..Arguments::default()
            },
            client: None,
            clock: None,
        }
    }

    /// One more audience: a token for any of them is accepted.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.given.audiences.push(audience.into());
        self
    }

    /// How far the issuer's clock may differ; default 60 s, at most an hour.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.given.leeway = Some(leeway);
        self
    }

    /// Scopes that every token must have; default none.
    pub fn required_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.given.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Fewer algorithms than all three.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.given.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Where the keys are, for issuers without a discovery document.
    pub fn jwks_uri(mut self, uri: impl Into<String>) -> Self {
        self.given.jwks_uri = Some(uri.into());
        self
    }

    /// What fetching the keys may take in all; default 10 s, at most 24 hours.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.given.timeout = Some(timeout);
        self
    }

    /// What making a connection may take; default 5 s, at most 24 hours.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.given.network.connect_timeout = Some(timeout);
        self
    }

    /// Allows keys over plain `http` from other machines, where anybody on the way can replace them;
    /// default false.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.given.allow_insecure_http = allow;
        self
    }

    /// A PEM file of certificate authorities that are trusted besides the usual ones.
    pub fn ca_bundle(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.network.ca_bundle = Some(path.into());
        self
    }

    /// PEM files of a certificate (its chain may follow it) and its private key.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.given.network.client_certificate = Some(certificate.into());
        self.given.network.client_key = Some(key.into());
        self
    }

    /// The proxy on the way to the keys; wins over `HTTP_PROXY` and `HTTPS_PROXY`, not over `NO_PROXY`.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.given.network.proxy = Some(url.into());
        self
    }

    /// Each token that holds is also introspected through this client, so that a revoked one is
    /// refused at once: a call for every token. The client needs the scope `tokens:read`.
    pub fn client(mut self, client: &AgentIdPClient) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Time and chance, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Checks the configuration. Nothing is started or connected.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names everything that is missing or wrong.
    pub fn build(self) -> Result<TokenVerifier, Error> {
        let settings = Settings::check(self.given)?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let client = self.client.map(|client| client.core().clone());
        Ok(settings.assemble(clock, client))
    }
}

/// Longest leeway: a longer one is no tolerance for clocks but a longer life.
const LEEWAY_MAX: Duration = Duration::from_secs(3600);

impl Settings {
    pub fn check(given: Arguments) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let insecure = given.allow_insecure_http;
        if given.issuer.is_empty() {
            faults.push("issuer is missing: give the `iss` of the tokens".to_owned());
        } else if given.jwks_uri.is_none() {
            faults.extend(server_url("issuer", &given.issuer, insecure).err());
        }
        if given.audiences.is_empty() || given.audiences.iter().any(String::is_empty) {
            faults.push("audience is missing: give the `aud` that the tokens must have".to_owned());
        }
        let leeway = given.leeway.unwrap_or(policy::LEEWAY_DEFAULT);
        if leeway > LEEWAY_MAX {
            faults.push("leeway must be at most an hour".to_owned());
        }
        let algorithms = given.algorithms.unwrap_or(Algorithm::ALL.to_vec());
        if algorithms.is_empty() {
            faults.push("algorithms must not be empty".to_owned());
        }
        let timeout = given.timeout.unwrap_or(policy::KEYS_TIMEOUT_DEFAULT);
        duration("timeout", timeout, &mut faults);
        let jwks_uri = given.jwks_uri.and_then(|text| {
            let checked = fetch::address("jwks_uri", &text, insecure);
            checked.map_err(|fault| faults.push(fault)).ok()
        });
        let network = Network::resolve(given.network, &process_environment, &mut faults);
        if !faults.is_empty() {
            return Err(Error::configuration(faults.join("; ")));
        }
        Ok(Self {
            rules: Rules {
                issuer: given.issuer,
                audiences: given.audiences,
                leeway,
                scopes: given.scopes,
                algorithms,
            },
            jwks_uri,
            timeout,
            allow_insecure_http: insecure,
            network,
        })
    }

    /// A verifier with an empty cache.
    pub fn assemble(self, clock: Arc<dyn Clock>, client: Option<Arc<Core>>) -> TokenVerifier {
        let source = fetch::Source::new(
            self.rules.issuer.clone(),
            self.jwks_uri,
            self.allow_insecure_http,
        );
        TokenVerifier(Arc::new(Inner {
            rules: self.rules,
            source,
            timeout: self.timeout,
            network: self.network,
            clock,
            keys: KeyCache::default(),
            transport: std::sync::OnceLock::new(),
            client,
        }))
    }
}

//! What a client is set up with, and where each value came from.
//!
//! Owns: arguments over environment over defaults, the checks, `explain_configuration`.
//! Refuses: showing a secret; a base URL that would send one in the clear.

mod checks;
mod explain;
mod network;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use url::Url;

pub(crate) use self::checks::{duration, duration_fault};
pub(crate) use self::network::{ClientIdentity, Network, NetworkArguments};
use crate::{Error, Secret, policy};

/// Environment variables that stand in for arguments.
pub mod variables {
    /// The server: `https://idp.example.com`.
    pub const BASE_URL: &str = "AGENTIDP_BASE_URL";
    /// The agent's id.
    pub const CLIENT_ID: &str = "AGENTIDP_CLIENT_ID";
    /// Its secret.
    pub const CLIENT_SECRET: &str = "AGENTIDP_CLIENT_SECRET";
    /// Scopes, separated by spaces or commas.
    pub const SCOPES: &str = "AGENTIDP_SCOPES";
    /// A PEM file of more certificate authorities.
    pub const CA_BUNDLE: &str = "AGENTIDP_CA_BUNDLE";
}

/// The scopes that a token is asked for when none are given.
pub const SCOPES_DEFAULT: [&str; 4] = ["agents:read", "agents:write", "tokens:read", "audit:read"];

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Argument,
    Environment(&'static str),
    Default,
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Sourced<T> {
    pub value: T,
    pub source: Source,
}

/// Everything as it was given; `None` is "not given".
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub base_url: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub scopes: Option<Vec<String>>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub allow_insecure_http: Option<bool>,
    pub network: NetworkArguments,
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub base_url: Sourced<Url>,
    /// The base URL again, as requests are built from it.
    pub root: Uri,
    pub client_id: Sourced<String>,
    pub client_secret: Sourced<Secret>,
    pub scopes: Sourced<Vec<String>>,
    pub timeout: Sourced<Duration>,
    pub retries: Sourced<u32>,
    pub allow_insecure_http: Sourced<bool>,
    pub network: Network,
}

/// Reads an environment variable; tests bring their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment; an empty variable is not set.
pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Arguments, else environment, else defaults; everything that is wrong is named at once.
    pub fn resolve(arguments: Arguments, environment: Environment<'_>) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let allow_insecure_http = or_default(arguments.allow_insecure_http, false);
        let base_url = need(
            arguments.base_url,
            "base_url",
            variables::BASE_URL,
            environment,
            &mut faults,
        );
        let client_id = need(
            arguments.client_id,
            "client_id",
            variables::CLIENT_ID,
            environment,
            &mut faults,
        );
        let client_secret = need(
            arguments.client_secret,
            "client_secret",
            variables::CLIENT_SECRET,
            environment,
            &mut faults,
        );
        let base_url = base_url.and_then(|given| {
            let checked = checks::server_url("base_url", &given.value, allow_insecure_http.value);
            let value = checked.map_err(|fault| faults.push(fault)).ok()?;
            Some(Sourced {
                value,
                source: given.source,
            })
        });
        let timeout = or_default(arguments.timeout, policy::TIMEOUT_DEFAULT);
        let retries = or_default(arguments.retries, policy::RETRIES_DEFAULT);
        checks::duration("timeout", timeout.value, &mut faults);
        checks::retries(retries.value, &mut faults);
        let network = Network::resolve(arguments.network, environment, &mut faults);
        let scopes = scopes(arguments.scopes, environment);
        checks::scopes(&scopes.value, &mut faults);
        let (Some(base_url), Some(client_id), Some(client_secret), true) =
            (base_url, client_id, client_secret, faults.is_empty())
        else {
            return Err(Error::configuration(faults.join("; ")));
        };
        let root = Uri::try_from(base_url.value.as_str())
            .map_err(|e| Error::configuration(format!("base_url: {e}")))?;
        Ok(Self {
            base_url,
            root,
            client_id,
            client_secret,
            scopes,
            timeout,
            retries,
            allow_insecure_http,
            network,
        })
    }

    /// `https://idp.example.com/prefix`, without a slash at the end.
    pub fn base(&self) -> &str {
        self.base_url.value.as_str().trim_end_matches('/')
    }
}

/// An absolute URL of a server: https, or http to this machine, or http where that is allowed. The
/// fault is a sentence that begins with `name`.
#[allow(dead_code)] // a verifier's issuer
pub(crate) fn server_url(name: &str, text: &str, allow_insecure_http: bool) -> Result<Url, String> {
    checks::server_url(name, text, allow_insecure_http)
}

/// Checks headers that one call adds.
pub(crate) fn call_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    checks::header(name, value).map_err(Error::configuration)
}

fn or_default<T>(given: Option<T>, default: T) -> Sourced<T> {
    match given {
        Some(value) => Sourced {
            value,
            source: Source::Argument,
        },
        None => Sourced {
            value: default,
            source: Source::Default,
        },
    }
}

/// A text that may be secret. An empty one counts as not given.
trait Text: From<String> {
    fn is_empty(&self) -> bool;
}

impl Text for String {
    fn is_empty(&self) -> bool {
        str::is_empty(self)
    }
}

impl Text for Secret {
    fn is_empty(&self) -> bool {
        self.expose_secret().is_empty()
    }
}

fn need<T: Text>(
    given: Option<T>,
    name: &str,
    variable: &'static str,
    environment: Environment<'_>,
    faults: &mut Vec<String>,
) -> Option<Sourced<T>> {
    if let Some(value) = given.filter(|value| !value.is_empty()) {
        return Some(Sourced {
            value,
            source: Source::Argument,
        });
    }
    let Some(value) = environment(variable) else {
        faults.push(format!("{name} is missing: give it or set {variable}"));
        return None;
    };
    Some(Sourced {
        value: T::from(value),
        source: Source::Environment(variable),
    })
}

fn scopes(given: Option<Vec<String>>, environment: Environment<'_>) -> Sourced<Vec<String>> {
    if let Some(value) = given {
        return Sourced {
            value,
            source: Source::Argument,
        };
    }
    if let Some(list) = environment(variables::SCOPES) {
        return Sourced {
            value: list
                .split([' ', ','])
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
            source: Source::Environment(variables::SCOPES),
        };
    }
    Sourced {
        value: SCOPES_DEFAULT.map(str::to_owned).to_vec(),
        source: Source::Default,
    }
}

//! Proxies: which one is on the way to a server.
//!
//! Owns: the configured proxy, else those of the environment (`HTTP_PROXY`, `HTTPS_PROXY`,
//! `ALL_PROXY`; of the system on macOS and Windows); `NO_PROXY` counts in both cases. Plain `http` is
//! forwarded, `https` goes through a `CONNECT` tunnel. To this machine leads no proxy of another one: it
//! could not reach it, and would hear the secrets that plain `http` may carry only as far as here.
//! Refuses: SOCKS; showing a proxy's password.

mod tunnel;

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

pub(super) use self::tunnel::{ASKS_FOR_PASSWORD, Proxy};
use super::Failure;
use crate::{
    Error,
    config::{Environment, Network, process_environment},
};

/// The way to a server.
pub(super) enum Route {
    Direct,
    /// The proxy is handed the whole URL.
    Forward(Proxy),
    /// The proxy passes bytes on.
    Tunnel(Proxy),
}

/// The rules.
pub(super) struct Proxies {
    rules: Matcher,
    exceptions: Vec<Exception>,
    /// By the configuration and not by the environment.
    given: bool,
}

/// An entry of `NO_PROXY`: a name with all below it, an address, a network, or `*`.
#[derive(Debug, PartialEq)]
struct Exception {
    host: String,
    /// Only for this port.
    port: Option<u16>,
}

impl Proxies {
    pub fn of(network: &Network) -> Result<Self, Error> {
        let exceptions = exceptions(&no_proxy());
        let Some(proxy) = &network.proxy else {
            return Ok(Self {
                rules: Matcher::from_system(),
                exceptions,
                given: false,
            });
        };
        // What the matcher does not understand it leaves out, and the way would be direct.
        let alone = Matcher::builder().all(proxy.0.as_str()).build();
        match alone.intercept(&Uri::from_static("http://idp.example.com")) {
            Some(found) => Proxy::new(&found).map_err(Error::configuration)?,
            None => return Err(Error::configuration("proxy is no URL of a proxy")),
        };
        Ok(Self {
            rules: alone,
            exceptions,
            given: true,
        })
    }

    /// The way to the server of this URL.
    pub fn route(&self, uri: &Uri) -> Result<Route, Failure> {
        if are_about(&self.exceptions, uri) {
            return Ok(Route::Direct);
        }
        let Some(found) = self.rules.intercept(uri) else {
            // Past a proxy that was asked for leads a way that nobody wanted.
            return match unreadable(uri, &process_environment).filter(|_| !self.given) {
                Some(name) if !uri.host().is_some_and(is_here) => Err(Failure::Misconfigured(
                    format!("{name} is no URL of a proxy, such as http://proxy.example.com:3128"),
                )),
                _ => Ok(Route::Direct),
            };
        };
        let proxy = Proxy::new(&found).map_err(Failure::Misconfigured)?;
        if uri.host().is_some_and(is_here) && !is_here(&proxy.host) {
            return Ok(Route::Direct);
        }
        if uri.scheme_str() == Some("https") {
            Ok(Route::Tunnel(proxy))
        } else {
            Ok(Route::Forward(proxy))
        }
    }
}

/// Whether a host is this machine, whatever is asked to resolve it.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => bare
            .rsplit('.')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case("localhost")),
    }
}

/// The entries of `NO_PROXY`, separated by commas or spaces. Beyond what the matcher reads by itself:
/// `host:port`, `[::1]` and `*.example.com`, which is `.example.com`. Elsewhere they count, so that here
/// they must not lead through the proxy.
fn exceptions(list: &str) -> Vec<Exception> {
    list.split([',', ' ', '\t']).filter_map(exception).collect()
}

fn exception(entry: &str) -> Option<Exception> {
    let (host, port) = match entry.strip_prefix('[').and_then(|e| e.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => match entry.rsplit_once(':') {
            // More than one colon makes an IPv6 address.
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            _ => (entry, None),
        },
    };
    let host = host
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(host);
    let port = port.map(str::parse).transpose().ok()?;
    let host = host.to_owned();
    (!host.is_empty()).then_some(Exception { host, port })
}

fn are_about(exceptions: &[Exception], uri: &Uri) -> bool {
    let default = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(default);
    let hosts: Vec<&str> = exceptions
        .iter()
        .filter(|e| e.port.is_none_or(|only| only == port))
        .map(|e| e.host.as_str())
        .collect();
    let rules = Matcher::builder()
        .all("http://proxy.invalid")
        .no(hosts.join(","));
    rules.build().intercept(uri).is_none()
}

/// The first of these variables that is set.
fn first_set(
    names: [&'static str; 2],
    environment: Environment<'_>,
) -> Option<(&'static str, String)> {
    let mut values = names.into_iter().map(|name| (name, environment(name)));
    values.find_map(|(name, value)| Some((name, value?)))
}

/// The variables that name a proxy for this URL, the one that wins first.
fn variables(uri: &Uri, environment: Environment<'_>) -> Vec<(&'static str, String)> {
    let own = match uri.scheme_str() {
        Some("https") => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    // In a CGI program HTTP_PROXY is a header of the request, and nothing of this is read.
    if environment("REQUEST_METHOD").is_some() {
        return Vec::new();
    }
    [own, ["ALL_PROXY", "all_proxy"]]
        .into_iter()
        .filter_map(|names| first_set(names, environment))
        .collect()
}

/// As the matcher reads the value of a variable.
fn read(value: &str) -> Option<Intercept> {
    let alone = Matcher::builder().all(value).build();
    alone.intercept(&Uri::from_static("http://idp.example.com"))
}

/// The variable that names the proxy for this URL and cannot be read; its value may hold a password.
fn unreadable(uri: &Uri, environment: Environment<'_>) -> Option<&'static str> {
    let (name, value) = variables(uri, environment).into_iter().next()?;
    read(&value).is_none().then_some(name)
}

/// What the environment says of the way to the server of this URL: the proxy, its name and password
/// masked, and the variable that says so. `None` for the proxy is a direct way because of `NO_PROXY`.
pub(crate) fn of_environment(
    uri: &Uri,
    environment: Environment<'_>,
) -> Option<(Option<String>, &'static str)> {
    let set = variables(uri, environment);
    let readable = set
        .iter()
        .find_map(|(name, value)| Some((*name, read(value)?)));
    let (name, found) = match readable {
        Some((name, found)) => (name, Some(found)),
        // Calls fail by its name, unless they need no proxy.
        None => (set.first()?.0, None),
    };
    if let Some((name, list)) = first_set(["NO_PROXY", "no_proxy"], environment)
        && are_about(&exceptions(&list), uri)
    {
        return Some((None, name));
    }
    let proxy = found.as_ref().map(Intercept::uri);
    let on_this_machine = proxy.and_then(Uri::host).is_some_and(is_here);
    if uri.host().is_some_and(is_here) && !on_this_machine {
        return None;
    }
    let shown = found.as_ref().map_or_else(|| "***".to_owned(), shown);
    Some((Some(shown), name))
}

/// A proxy's URL without its name and password.
fn shown(found: &Intercept) -> String {
    let uri = found.uri();
    let mask = if found.basic_auth().is_some() || found.raw_auth().is_some() {
        "***@"
    } else {
        ""
    };
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |a| a.as_str());
    format!("{scheme}://{mask}{authority}/")
}

/// As the matcher itself reads it.
fn no_proxy() -> String {
    ["NO_PROXY", "no_proxy"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;

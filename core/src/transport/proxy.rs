//! Proxies: which one is on the way to a server, and getting through it.
//!
//! Owns: the configured proxy, else those of the environment (`HTTP_PROXY`, `HTTPS_PROXY`,
//! `ALL_PROXY`; of the system on macOS and Windows); `NO_PROXY` counts in both cases. Plain `http` is
//! forwarded, `https` goes through a `CONNECT` tunnel. To this machine leads no proxy of another one: it
//! could not reach it, and would hear the secrets that plain `http` may carry only as far as here.
//! Refuses: SOCKS; showing a proxy's password.

use std::{fmt, io, net::IpAddr};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Failure;
use crate::{
    Error,
    config::{Environment, Network, process_environment},
};

/// The head of a proxy's answer to `CONNECT` may have this many bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

pub(super) const ASKS_FOR_PASSWORD: &str = "the proxy asks for a user name and a password (407)";

/// The way to a server.
pub(super) enum Route {
    Direct,
    /// The proxy is handed the whole URL.
    Forward(Proxy),
    /// The proxy passes bytes on.
    Tunnel(Proxy),
}

/// A proxy.
pub(super) struct Proxy {
    pub secure: bool,
    pub host: String,
    pub port: u16,
    pub authorization: Option<HeaderValue>,
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

/// Where it is, without its password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{}", self.host, self.port)
    }
}

impl Proxy {
    fn new(found: &Intercept) -> Result<Self, String> {
        let uri = found.uri();
        let scheme = uri.scheme_str().unwrap_or_default();
        let (secure, port) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            other => {
                return Err(format!(
                    "the proxy is one for {other}; only http and https are supported"
                ));
            }
        };
        Ok(Self {
            secure,
            host: uri.host().unwrap_or_default().to_owned(),
            port: uri.port_u16().unwrap_or(port),
            authorization: found.basic_auth().cloned(),
        })
    }

    /// Asks for a tunnel to `target` (`host:port`).
    pub async fn tunnel<S>(&self, stream: &mut S, target: &str) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await?;
        stream.flush().await?;
        let head = head(stream).await?;
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(io::Error::other(ASKS_FOR_PASSWORD)),
            Some(status) => Err(io::Error::other(format!(
                "the proxy answered {status} to CONNECT"
            ))),
            None => Err(io::Error::other("the proxy does not speak HTTP")),
        }
    }
}

/// Reads up to the empty line and not a byte further: what follows is the server's.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == ANSWER_BYTES_MAX {
            return Err(io::Error::other("the proxy's answer is too long"));
        }
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other("the proxy closed the connection"));
            }
            Err(e) => return Err(e),
        }
    }
    Ok(head)
}

/// `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|b| *b == b'\r').next()?).ok()?;
    let (version, rest) = line.split_once(' ')?;
    version
        .starts_with("HTTP/1.")
        .then(|| rest.split(' ').next())
        .flatten()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::{are_about, exceptions, is_here, of_environment, status, unreadable};

    #[test]
    fn what_the_environment_says_is_told_with_the_variable_and_without_the_password() {
        let told = |uri: &'static str, set: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let told = of_environment(&Uri::from_static(uri), &value);
            told.map(|(proxy, name)| (proxy.unwrap_or_default(), name))
        };
        let (secure, plain) = ("https://idp.example.com", "http://idp.example.com");
        let here = "http://localhost:8080";
        let proxy = "http://fox:s%40fe@proxy.example.com:3128/path";
        let masked = "http://***@proxy.example.com:3128/";
        let bare = "proxy.example.com:3128";
        let open = "http://proxy.example.com:3128/";
        for (uri, set, wanted) in [
            (
                secure,
                &[("HTTPS_PROXY", proxy)][..],
                (masked, "HTTPS_PROXY"),
            ),
            (secure, &[("https_proxy", bare)], (open, "https_proxy")),
            (plain, &[("HTTP_PROXY", proxy)], (masked, "HTTP_PROXY")),
            (plain, &[("ALL_PROXY", proxy)], (masked, "ALL_PROXY")),
            (
                plain,
                &[("HTTP_PROXY", bare), ("ALL_PROXY", proxy)],
                (open, "HTTP_PROXY"),
            ),
            // What cannot be read is passed over where there is another, and may be a password.
            (
                plain,
                &[("HTTP_PROXY", "s@fe :"), ("ALL_PROXY", bare)],
                (open, "ALL_PROXY"),
            ),
            (plain, &[("HTTP_PROXY", "s@fe :")], ("***", "HTTP_PROXY")),
            (
                plain,
                &[("HTTP_PROXY", "socks5://fox:s%40fe@proxy:1080")],
                ("socks5://***@proxy:1080/", "HTTP_PROXY"),
            ),
            (
                plain,
                &[("HTTP_PROXY", proxy), ("NO_PROXY", "example.com")],
                ("", "NO_PROXY"),
            ),
            (
                here,
                &[("HTTP_PROXY", "http://127.0.0.1:3128")],
                ("http://127.0.0.1:3128/", "HTTP_PROXY"),
            ),
        ] {
            let wanted = (wanted.0.to_owned(), wanted.1);
            assert_eq!(told(uri, set), Some(wanted), "{uri} {set:?}");
        }
        for (uri, set) in [
            (secure, &[][..]),
            (secure, &[("HTTP_PROXY", proxy)]),
            (secure, &[("NO_PROXY", "*")]),
            (here, &[("HTTP_PROXY", proxy)]),
            (here, &[("HTTP_PROXY", "s@fe :")]),
            (plain, &[("HTTP_PROXY", proxy), ("REQUEST_METHOD", "GET")]),
        ] {
            assert_eq!(told(uri, set), None, "{uri} {set:?}");
        }
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_a_mistake() {
        let said = |uri: &'static str, set: &[(&str, &str)]| {
            let value = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            unreadable(&Uri::from_static(uri), &value)
        };
        let (secure, plain) = ("https://idp.example.com", "http://idp.example.com");
        let wrong = "http://pro xy:3128";
        assert_eq!(said(secure, &[("HTTPS_PROXY", wrong)]), Some("HTTPS_PROXY"));
        assert_eq!(
            said(plain, &[("http_proxy", "ftp://proxy")]),
            Some("http_proxy")
        );
        assert_eq!(said(plain, &[("ALL_PROXY", "http://")]), Some("ALL_PROXY"));
        assert_eq!(said(plain, &[("HTTPS_PROXY", wrong)]), None);
        assert_eq!(
            said(
                secure,
                &[("HTTPS_PROXY", "proxy:3128"), ("ALL_PROXY", wrong)]
            ),
            None
        );
        assert_eq!(
            said(secure, &[("HTTPS_PROXY", wrong), ("REQUEST_METHOD", "GET")]),
            None
        );
        assert_eq!(said(secure, &[]), None);
    }

    #[test]
    fn exceptions_are_names_addresses_networks_and_ports() {
        for (list, uri) in [
            ("example.com", "https://example.com"),
            ("example.com", "https://idp.EXAMPLE.com:8443"),
            (".example.com", "https://idp.example.com"),
            ("*.example.com", "https://idp.example.com"),
            ("a.test, IDP.example.com", "https://idp.example.com"),
            ("a.test idp.example.com", "https://idp.example.com"),
            ("idp.example.com:443", "https://idp.example.com"),
            ("idp.example.com:8443", "https://idp.example.com:8443"),
            ("10.0.0.0/8", "http://10.1.2.3:8080"),
            ("10.1.2.3:8080", "http://10.1.2.3:8080"),
            ("fd00::/8", "https://[fd00::7]"),
            ("fd00::7", "https://[fd00::7]"),
            ("[fd00::7]", "https://[fd00::7]:8443"),
            ("[fd00::7]:8443", "https://[fd00::7]:8443"),
            ("*", "https://idp.example.com"),
        ] {
            assert!(
                are_about(&exceptions(list), &Uri::from_static(uri)),
                "{list} {uri}"
            );
        }
        for (list, uri) in [
            ("", "https://idp.example.com"),
            (" , ", "https://idp.example.com"),
            ("example.com", "https://badexample.com"),
            ("example.com", "https://example.com.evil.test"),
            ("idp.example.com:8443", "https://idp.example.com"),
            ("idp.example.com:port", "https://idp.example.com"),
            ("10.0.0.0/8", "http://11.1.2.3"),
            ("[fd00::7]:8443", "https://[fd00::7]"),
            (":443", "https://idp.example.com"),
        ] {
            assert!(
                !are_about(&exceptions(list), &Uri::from_static(uri)),
                "{list} {uri}"
            );
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        for here in [
            "localhost",
            "LOCALHOST",
            "idp.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "::1",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "idp.example.com",
            "localhost.example.com",
            "10.0.0.1",
            "[fe80::1]",
            "",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_status_line_is_read() {
        assert_eq!(
            status(b"HTTP/1.1 200 Connection established\r\n\r\n"),
            Some(200)
        );
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for wrong in [
            &b"SSH-2.0-x\r\n"[..],
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 ok\r\n",
            b"",
        ] {
            assert_eq!(status(wrong), None);
        }
    }
}

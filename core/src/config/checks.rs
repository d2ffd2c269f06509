//! What may be configured. Each fault is one sentence without the offending secret.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::{Host, Url};

use crate::{Secret, policy};

/// An absolute http(s) URL; plain http only to this machine, unless it is allowed.
pub(super) fn server_url(name: &str, text: &str, allow_insecure_http: bool) -> Result<Url, String> {
    let fault = |what: &str| format!("{name} {what}, such as https://idp.example.com");
    let url = Url::parse(text.trim()).map_err(|e| fault(&format!("is no URL ({e}); give one")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(fault("must begin with https://"));
    }
    if url.host().is_none() {
        return Err(fault("has no host; give one"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(
            "must not hold a user name or password; give one without",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fault("must have no query and no fragment"));
    }
    if url.scheme() == "http" && !allow_insecure_http && !is_loopback(&url) {
        return Err(format!(
            "{name} is plain http to another machine, which would send secrets in the clear: \
             use https, or allow_insecure_http where the network is trusted"
        ));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(crate) fn duration(name: &str, time: Duration, faults: &mut Vec<String>) {
    faults.extend(duration_fault(time).map(|fault| format!("{name} {fault}")));
}

/// Why a call, a connection or a fetch cannot have that much time.
pub(crate) fn duration_fault(time: Duration) -> Option<&'static str> {
    let fits = !time.is_zero() && time <= policy::TIME_MAX;
    (!fits).then_some("must be longer than zero and at most 24 hours")
}

pub(super) fn retries(retries: u32, faults: &mut Vec<String>) {
    if retries > policy::RETRIES_MAX {
        faults.push(format!("retries must be at most {}", policy::RETRIES_MAX));
    }
}

/// A proxy's URL. It may hold a password and is not repeated.
pub(super) fn proxy(text: &str) -> Result<Url, String> {
    let fault = |what: &str| format!("proxy {what}, such as http://proxy.example.com:3128");
    let url = Url::parse(text.trim()).map_err(|e| fault(&format!("is no URL ({e}); give one")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(fault("must begin with http:// or https://"));
    }
    if url.host().is_none() {
        return Err(fault("has no host; give one"));
    }
    Ok(url)
}

/// Scope tokens (RFC 6749 section 3.3).
pub(super) fn scopes(scopes: &[String], faults: &mut Vec<String>) {
    for scope in scopes {
        let visible = scope
            .bytes()
            .all(|b| (0x21..=0x7e).contains(&b) && b != b'"' && b != b'\\');
        if scope.is_empty() || !visible {
            faults.push(format!("scopes: {scope:?} is no scope"));
        }
    }
}

/// Headers that belong to the SDK: another value would break or hide what it does. What is for a proxy
/// stands in its URL: through a tunnel, or where there is none, the header would go to the server.
const RESERVED: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::PROXY_AUTHORIZATION,
    header::USER_AGENT,
];

pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed =
        HeaderName::try_from(name).map_err(|_| format!("headers: {name:?} is no header name"))?;
    if RESERVED.contains(&parsed) {
        return Err(format!("headers: {parsed} is set by the SDK"));
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        format!("headers: the value of {parsed} holds characters that no header may have")
    })?;
    // A header of the caller's own may be a key of some gateway.
    value.set_sensitive(true);
    Ok((parsed, value))
}

pub(super) fn headers(given: &[(String, Secret)]) -> Result<HeaderMap, String> {
    given
        .iter()
        .map(|(name, value)| header(name, value.expose_secret()))
        .collect()
}

//! What a request says about itself: its id, where it comes from, its body.

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use uuid::Uuid;

use crate::{
    call::Call, clock::Timestamp, config::Proxies, error::ApiError, generated::codes::Code,
};

/// The largest body, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The largest header fields, in bytes, counted as HTTP/2 does (RFC 9113 section 6.5.2).
const HEADERS_BYTES_MAX: usize = 64 * 1024;
/// What a field counts beside its name and value.
const FIELD_BYTES: usize = 32;
/// How long a body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(15);
const USER_AGENT_CHARS_MAX: usize = 512;
const REQUEST_ID_CHARS_MAX: usize = 128;
/// The header.
pub const REQUEST_ID: &str = "x-request-id";

/// The other end of the connection; the listener puts it among the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// The request's id: the caller's own when it is well formed, else a fresh one.
pub fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_request_id(id))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn is_request_id(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The circumstances of a request.
pub fn call<B>(request: &Request<B>, proxies: &Proxies, now: Timestamp) -> Call {
    let headers = request.headers();
    Call {
        request_id: request_id(headers),
        ip_address: address(request, proxies),
        user_agent: user_agent(headers),
        received_at: now,
    }
}

/// The nearest address that is not one of our own proxies.
fn address<B>(request: &Request<B>, proxies: &Proxies) -> String {
    let Some(PeerAddress(peer)) = request.extensions().get::<PeerAddress>() else {
        return String::new();
    };
    let mut nearest = peer.ip().to_canonical();
    if proxies.trusts(nearest) {
        // Proxies add to what a client sent: bytes of its own must not hide the address behind them.
        let forwarded: Vec<_> = request
            .headers()
            .get_all("x-forwarded-for")
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        for hop in forwarded.iter().flat_map(|value| value.split(',')).rev() {
            let Some(hop) = forwarded_hop(hop.trim()) else {
                break;
            };
            nearest = hop.to_canonical();
            if !proxies.trusts(nearest) {
                break;
            }
        }
    }
    let mut text = String::new();
    let _ = write!(text, "{nearest}");
    text
}

/// An address; some proxies add the port.
fn forwarded_hop(text: &str) -> Option<std::net::IpAddr> {
    let alone = text.parse().ok();
    alone.or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))
}

fn user_agent(headers: &HeaderMap) -> String {
    headers
        .get(header::USER_AGENT)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(USER_AGENT_CHARS_MAX)
        .collect()
}

/// Whether the header fields are few and small enough. hyper refuses by itself what is far too much.
pub fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let size = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + FIELD_BYTES
    };
    if headers.iter().map(size).sum::<usize>() > HEADERS_BYTES_MAX {
        return Err(ApiError::new(Code::HeadersTooLarge));
    }
    Ok(())
}

/// The whole body, or why not.
pub async fn body(parts: &Parts, body: Body) -> Result<Bytes, ApiError> {
    as_it_is(&parts.headers)?;
    let announced = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(ApiError::new(Code::PayloadTooLarge));
    }
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIME_MAX, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(ApiError::new(Code::PayloadTooLarge))
        }
        Ok(Err(error)) => {
            Err(ApiError::invalid("body", "was cut off").caused_by(error.to_string()))
        }
        Err(_) => Err(ApiError::new(Code::RequestTimeout)),
    }
}

/// Read as if it were not encoded, such a body would be at best a riddle, at worst another body.
fn as_it_is(headers: &HeaderMap) -> Result<(), ApiError> {
    let plain = |value: &HeaderValue| {
        let value = value.to_str().unwrap_or("?");
        let mut codings = value.split(',').map(str::trim);
        codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity"))
    };
    let all = headers.get_all(header::CONTENT_ENCODING);
    if all.iter().all(plain) {
        Ok(())
    } else {
        Err(ApiError::encoded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: impl AsRef<[u8]>, trusted: &str) -> String {
        let mut request = Request::builder()
            .header("x-forwarded-for", forwarded.as_ref())
            .body(())
            .unwrap();
        request
            .extensions_mut()
            .insert(PeerAddress(peer.parse().unwrap()));
        address(&request, &Proxies::parse(trusted).unwrap())
    }

    #[test]
    fn forwarded_addresses_count_only_behind_a_trusted_proxy() {
        assert_eq!(from("203.0.113.9:1", "10.1.1.1", ""), "203.0.113.9");
        assert_eq!(
            from("10.0.0.1:1", "1.1.1.1, 198.51.100.7", "10.0.0.0/8"),
            "198.51.100.7"
        );
        assert_eq!(
            from("10.0.0.1:1", "198.51.100.7, 10.0.0.2", "10.0.0.0/8"),
            "198.51.100.7"
        );
        assert_eq!(from("10.0.0.1:1", "nonsense", "10.0.0.0/8"), "10.0.0.1");
        let hidden = b"\xff, 198.51.100.7";
        assert_eq!(from("10.0.0.1:1", hidden, "10.0.0.0/8"), "198.51.100.7");
        assert_eq!(
            from(
                "10.0.0.1:1",
                "1.1.1.1, 198.51.100.7:4711, [::ffff:10.0.0.2]:1",
                "10.0.0.0/8"
            ),
            "198.51.100.7"
        );
        assert_eq!(
            from("[::ffff:10.0.0.1]:1", "2001:db8::1", "10.0.0.0/8"),
            "2001:db8::1"
        );
    }

    #[test]
    fn an_ill_formed_request_id_is_replaced() {
        let id = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, value.parse().unwrap());
            request_id(&headers)
        };
        assert_eq!(id("order-7_a.B"), "order-7_a.B");
        assert_ne!(id("a b"), "a b");
        assert_ne!(id(""), "");
        let long = "a".repeat(129);
        assert_ne!(id(&long), long);
    }
}

//! `ENFORCE_TLS`: what a proxy received without TLS is sent to the same place with it.
//!
//! The proxy says so in `X-Forwarded-Proto`; the first value is what the client spoke. Anybody's word counts: whoever
//! lies about it harms nobody but itself. A request without the header did not come through the proxy and is served.
//! So is `/health`: balancers ask it in the clear.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, uri::Authority},
};

use super::{answer, facts::Envelope};
use crate::error::ApiError;

/// Where to send them.
pub struct TlsOnly {
    /// Host and port of an https `PUBLIC_URL`; without one, those that the request names.
    authority: Option<String>,
}

/// Among a request's extensions: it came over TLS that this process spoke.
#[derive(Clone, Copy, Debug)]
pub struct OverTls;

impl TlsOnly {
    /// For a server that is reached there.
    pub fn new(public_url: Option<&str>) -> Self {
        Self {
            authority: public_url
                .and_then(|url| url.strip_prefix("https://"))
                .and_then(|rest| rest.split('/').next())
                .map(str::to_owned),
        }
    }

    /// The answer to a request that did not come over TLS; `None` when it may pass.
    pub fn redirect<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let path = request.uri().path();
        let plain = forwarded(request.headers()).is_some_and(|scheme| scheme != "https");
        if !plain || path == "/health" || path.starts_with("/health/") {
            return None;
        }
        Some(self.location(request).map_or_else(
            || {
                answer::error(
                    &ApiError::invalid("Host", "is required"),
                    Envelope::Standard,
                )
                .into_response()
            },
            |location| {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
                response.headers_mut().insert(header::LOCATION, location);
                response
            },
        ))
    }

    fn location<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let named = || {
            let host = request.headers().get(header::HOST);
            host.and_then(|host| host.to_str().ok())
                .or_else(|| request.uri().authority().map(Authority::as_str))
                .and_then(|text| text.parse::<Authority>().ok())
                .filter(|authority| !authority.as_str().contains('@'))
                .map(|authority| authority.to_string())
        };
        let authority = self.authority.clone().or_else(named)?;
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        HeaderValue::from_str(&format!("https://{authority}{path}")).ok()
    }
}

/// Whether the client spoke TLS, as far as anybody says so.
pub fn is_secure<B>(request: &Request<B>) -> bool {
    match forwarded(request.headers()) {
        Some(scheme) => scheme == "https",
        None => request.extensions().get::<OverTls>().is_some(),
    }
}

fn forwarded(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-forwarded-proto")?;
    let first = value.to_str().unwrap_or_default().split(',').next();
    Some(first.unwrap_or_default().trim().to_ascii_lowercase())
}

//! Getting an issuer's keys: discovery (OpenID Connect Discovery 1.0, RFC 8414), then the key set.
//!
//! Owns: which addresses are asked and what is believed of their answers.
//! Refuses: a document of another issuer; keys over plain http from another machine; redirects.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use serde::Deserialize;
use url::Url;

use super::key::KeySet;
use crate::{
    Error,
    config::server_url,
    policy::{KEYS_AGE_DEFAULT, KEYS_AGE_MAX, KEYS_AGE_MIN},
    transport::{Failure, Outgoing, Reply, Transport, Unreadable},
};

/// Largest document that is believed, in bytes.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Where keys come from.
#[derive(Debug)]
pub(super) struct Source {
    issuer: String,
    /// Given by the caller: nothing is discovered.
    given: Option<Url>,
    allow_insecure_http: bool,
    /// What discovery said, until a fetch from there fails.
    discovered: Mutex<Option<Url>>,
}

/// A key set and how long it counts as fresh.
pub(super) struct Fetched {
    pub keys: KeySet,
    pub fresh_for: Duration,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    pub fn new(issuer: String, given: Option<Url>, allow_insecure_http: bool) -> Self {
        Self {
            issuer,
            given,
            allow_insecure_http,
            discovered: Mutex::new(None),
        }
    }

    /// Asks for the keys.
    pub async fn fetch(&self, transport: &Transport) -> Result<Fetched, Error> {
        let url = match self.known() {
            Some(url) => url,
            None => self.discover(transport).await?,
        };
        let fetched = keys(transport, url.clone()).await;
        if self.given.is_none() {
            // The issuer may have moved its keys: a failure asks discovery again.
            let found = fetched.is_ok().then_some(url);
            *self
                .discovered
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = found;
        }
        fetched
    }

    fn known(&self) -> Option<Url> {
        let discovered = self
            .discovered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.given.clone().or_else(|| discovered.clone())
    }

    async fn discover(&self, transport: &Transport) -> Result<Url, Error> {
        let wrong = |e: url::ParseError| Error::configuration(format!("issuer is no URL ({e})"));
        let base = self.issuer.trim_end_matches('/');
        let first = format!("{base}/.well-known/openid-configuration");
        let mut reply = get(transport, Url::parse(&first).map_err(wrong)?).await?;
        if reply.status == 404 {
            // RFC 8414 section 3.1 puts the well-known part before the issuer's path.
            let mut url = Url::parse(base).map_err(wrong)?;
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
            reply = get(transport, url).await?;
        }
        let body = document(&reply, "discovery document")?;
        let metadata: Metadata = serde_json::from_slice(body)
            .map_err(|_| unusable("discovery document", "it has no issuer and jwks_uri"))?;
        if metadata.issuer != self.issuer {
            return Err(Error::configuration(
                "issuer: the discovery document found there names another issuer; give the one that \
                 it names, to the letter",
            ));
        }
        address(
            "the issuer's jwks_uri",
            &metadata.jwks_uri,
            self.allow_insecure_http,
        )
        .map_err(Error::configuration)
    }
}

/// An address of keys: https, or http to this machine, or http where that is allowed; a query may be
/// part of it.
pub(super) fn address(name: &str, text: &str, allow_insecure_http: bool) -> Result<Url, String> {
    let (plain, _) = text.split_once(['?', '#']).unwrap_or((text, ""));
    server_url(name, plain, allow_insecure_http)?;
    let mut url = Url::parse(text.trim()).map_err(|e| format!("{name} is no URL ({e})"))?;
    url.set_fragment(None);
    Ok(url)
}

async fn keys(transport: &Transport, url: Url) -> Result<Fetched, Error> {
    let reply = get(transport, url).await?;
    let body = document(&reply, "key set")?;
    Ok(Fetched {
        keys: KeySet::read(body).map_err(|why| unusable("key set", why))?,
        fresh_for: fresh_for(&reply.headers),
    })
}

async fn get(transport: &Transport, url: Url) -> Result<Reply, Error> {
    let uri = Uri::try_from(url.as_str())
        .map_err(|e| Error::configuration(format!("an address of the issuer is no URI ({e})")))?;
    let accept = HeaderValue::from_static("application/json, application/jwk-set+json");
    let ask = || {
        transport.send(Outgoing {
            method: Method::GET,
            uri: uri.clone(),
            headers: HeaderMap::from_iter([(header::ACCEPT, accept.clone())]),
            body: None,
            connect_timeout: None,
        })
    };
    let sent = match ask().await {
        // A connection that was kept may end just as it is used again. That is nobody's failure, and a
        // key that could not be looked for is unknown for a minute.
        Err(Failure::Broken(_)) => ask().await,
        done => done,
    };
    sent.map_err(|failure| {
        let cause = match failure {
            Failure::Misconfigured(what) => return Error::configuration(what),
            Failure::NotSent(cause) | Failure::Broken(cause) => cause,
        };
        Error::connection("the issuer's keys cannot be fetched").with_cause(cause)
    })
}

fn document<'a>(reply: &'a Reply, what: &str) -> Result<&'a [u8], Error> {
    if reply.status != 200 {
        return Err(unusable(what, &format!("it answers {}", reply.status)));
    }
    match &reply.body {
        Ok(body) if body.len() <= DOCUMENT_BYTES_MAX => Ok(body),
        Ok(_) | Err(Unreadable::TooLarge(_)) => Err(unusable(what, "it is larger than 1 MiB")),
        Err(Unreadable::Garbled(why)) => Err(unusable(what, why)),
    }
}

fn unusable(what: &str, why: &str) -> Error {
    Error::connection("the issuer's keys cannot be fetched")
        .with_cause(format!("the issuer's {what} is of no use: {why}"))
}

/// `Cache-Control: max-age`, within bounds.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let mut seconds = None;
    for value in headers.get_all(header::CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let name = name.trim().to_ascii_lowercase();
            match name.as_str() {
                "no-store" | "no-cache" => return KEYS_AGE_MIN,
                "max-age" => seconds = value.trim().trim_matches('"').parse().ok().or(seconds),
                _ => {}
            }
        }
    }
    seconds
        .map_or(KEYS_AGE_DEFAULT, Duration::from_secs)
        .clamp(KEYS_AGE_MIN, KEYS_AGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_what_the_issuer_says_within_bounds() {
        let says = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, http::HeaderValue::from_static(value));
            fresh_for(&headers).as_secs()
        };
        assert_eq!(fresh_for(&HeaderMap::new()).as_secs(), 3600);
        assert_eq!(says("public, max-age=600"), 600);
        assert_eq!(says("Max-Age=\"600\""), 600);
        assert_eq!(says("max-age=0"), 60);
        assert_eq!(says("max-age=99999999"), 86_400);
        assert_eq!(says("max-age=soon"), 3600);
        assert_eq!(says("max-age=600, no-store"), 60);
    }
}

//! One HTTP exchange: a request goes out, a whole answer comes back.
//!
//! ```text
//! Transport ── Pool, one per origin ── connection: keep-alive HTTP/1.1, or one shared HTTP/2
//!                   │ none is free
//!                   └─ Connector ── tcp ── proxy ── tls
//! ```
//!
//! Owns: connections and their reuse, HTTP/1.1 and 2, gzip, TLS, proxies, the limit on an answer's
//! size, and telling "never sent" from "broken on the way". Dropping an exchange closes its HTTP/1.1
//! connection or resets its HTTP/2 stream.
//! Refuses: redirects, cookies, retries, deadlines; and showing a type of the HTTP library - this
//! folder is the only place that names it, so that it can be replaced.

mod body;
mod connect;
mod connection;
#[cfg(unix)]
mod descriptors;
mod pool;
mod proxy;
mod stream;
mod tcp;
mod tls;

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use tokio::runtime::Handle;

#[cfg(all(unix, feature = "bridge"))]
pub(crate) use self::descriptors::close_inherited;
pub(crate) use self::proxy::of_environment;
use self::{connect::Connector, pool::Pool};
use crate::{Error, config::Network};

/// What goes out.
pub(crate) struct Outgoing {
    pub method: Method,
    /// Absolute.
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// What making a connection may take; `None` is the configured time.
    pub connect_timeout: Option<Duration>,
}

/// What came back.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Result<Bytes, Unreadable>,
}

/// Why a body is of no use, whatever its head says.
#[derive(Clone, Debug)]
pub(crate) enum Unreadable {
    /// It is larger than the limit, in MiB.
    TooLarge(usize),
    /// Its compression is broken.
    Garbled(String),
}

/// Why nothing usable came back.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// What is configured cannot be used.
    Misconfigured(String),
    /// The server has not acted on the request: it never had the whole of it, or says so.
    NotSent(String),
    /// The server may have acted on the request.
    Broken(String),
}

/// The HTTP client of one SDK client. Made at the first call.
pub(crate) struct Transport {
    connector: Arc<Connector>,
    connect_timeout: Duration,
    /// On every request that does not say otherwise.
    headers: HeaderMap,
    /// Hardly ever more than one: one for each origin and each runtime that calls are made on, because a
    /// connection lives on the runtime that it was made on, and that may be one that nobody drives.
    pools: RwLock<Vec<Arc<Pool>>>,
    /// Nothing is kept any more, also by pools that are still to be made.
    closing: AtomicBool,
}

impl Transport {
    pub fn build(network: &Network) -> Result<Self, Error> {
        let mut headers = network.headers.clone();
        let json = HeaderValue::from_static("application/json");
        let agent = HeaderValue::try_from(&network.user_agent)
            .map_err(|e| Error::configuration(format!("the User-Agent cannot be sent: {e}")))?;
        headers.insert(header::ACCEPT, json);
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::USER_AGENT, agent);
        Ok(Self {
            connector: Arc::new(Connector::new(network)?),
            connect_timeout: network.connect_timeout.value,
            headers,
            pools: RwLock::default(),
            closing: AtomicBool::new(false),
        })
    }

    pub async fn send(&self, outgoing: Outgoing) -> Result<Reply, Failure> {
        let pool = self.pool(&outgoing.uri)?;
        let mut request = Request::new(Full::new(outgoing.body.unwrap_or_default()));
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = outgoing.uri;
        *request.headers_mut() = outgoing.headers;
        for (name, value) in &self.headers {
            let entry = request.headers_mut().entry(name);
            entry.or_insert_with(|| value.clone());
        }
        let limit = outgoing.connect_timeout.unwrap_or(self.connect_timeout);
        pool.exchange(request, limit).await
    }

    /// Closes the connections that nobody uses, and each other one after its exchange.
    pub fn wind_up(&self) {
        self.closing.store(true, Ordering::Release);
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        pools.iter().for_each(|pool| pool.wind_up());
    }

    fn pool(&self, uri: &Uri) -> Result<Arc<Pool>, Failure> {
        let here = Handle::try_current()
            .map_err(|e| Failure::Misconfigured(e.to_string()))?
            .id();
        let known = |pools: &[Arc<Pool>]| pools.iter().find(|p| p.serves(uri, here)).cloned();
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known(&pools) {
            return Ok(found);
        }
        drop(pools);
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known(&pools) {
            return Ok(found);
        }
        // Those of runtimes that are gone have nothing left.
        pools.retain(|pool| Arc::strong_count(pool) > 1 || pool.holds_any());
        let made = Arc::new(Pool::new(uri, here, self.connector.clone())?);
        // The lock orders this and `wind_up`.
        if self.closing.load(Ordering::Acquire) {
            made.wind_up();
        }
        pools.push(made.clone());
        Ok(made)
    }
}

/// An error with everything beneath it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    // With TLS 1.3 this comes as an answer to the first request, deep inside some other error.
    if text.contains("CertificateRequired") {
        text.insert_str(
            0,
            "the server asks for a client certificate that it trusts: ",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NetworkArguments;

    #[test]
    fn runtimes_that_are_gone_leave_no_pool_behind() {
        let network = Network::resolve(NetworkArguments::default(), &|_| None, &mut Vec::new());
        let transport = Transport::build(&network).expect("a transport");
        let uri = Uri::from_static("http://localhost:1");
        for _ in 0..20 {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let made = runtime
                .expect("a runtime")
                .block_on(async { transport.pool(&uri) });
            assert!(made.is_ok());
        }
        let left = transport
            .pools
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        assert_eq!(left.len(), 1);
    }
}

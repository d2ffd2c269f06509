//! From an origin to a connection that HTTP can be spoken over.
//!
//! Owns: the steps - TCP, the proxy's tunnel, TLS - and which version of HTTP was agreed upon.
//! Refuses: time limits, and keeping anything: every call makes a new connection.

use std::{fmt::Display, sync::OnceLock};

use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Failure, chain,
    proxy::{Proxies, Proxy, Route},
    stream::Stream,
    tcp::{self, Tcp},
    tls::Tls,
};
use crate::{Error, config::Network};

/// Where a URL's server is.
pub(super) struct Origin {
    pub secure: bool,
    pub host: String,
    pub port: u16,
    /// The `Host` header.
    pub name: HeaderValue,
}

impl Origin {
    /// `None`: it is not an absolute `http` or `https` URL.
    pub fn of(uri: &Uri) -> Option<Self> {
        let (secure, default) = match uri.scheme_str()? {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return None,
        };
        let host = uri.host()?.to_owned();
        let port = uri.port_u16().unwrap_or(default);
        let name = if port == default {
            HeaderValue::try_from(&host)
        } else {
            HeaderValue::try_from(format!("{host}:{port}"))
        };
        Some(Self {
            secure,
            host,
            port,
            name: name.ok()?,
        })
    }
}

/// A connection and the HTTP that is spoken on it.
pub(super) struct Line {
    pub stream: Stream,
    pub http2: bool,
}

/// Makes connections.
pub(super) struct Connector {
    pub proxies: Proxies,
    network: Network,
    /// Made at the first connection that needs it: reading the system's roots takes milliseconds.
    tls: OnceLock<Tls>,
}

impl Connector {
    pub fn new(network: &Network) -> Result<Self, Error> {
        let tls = OnceLock::new();
        // Files that cannot be used are a mistake, also where the first server is a plain one.
        if network.ca_bundle.is_some() || network.client_identity.is_some() {
            let made = Tls::build(network)?;
            tls.get_or_init(|| made);
        }
        Ok(Self {
            proxies: Proxies::of(network)?,
            network: network.clone(),
            tls,
        })
    }

    pub async fn connect(&self, origin: &Origin, route: &Route) -> Result<Line, Failure> {
        let stream = match route {
            Route::Direct => {
                let tcp = dial(&origin.host, origin.port).await?;
                if !origin.secure {
                    return Ok(plain(Stream::Plain(tcp)));
                }
                Stream::Tls(self.to_server(tcp, origin).await?)
            }
            Route::Forward(proxy) => {
                let tcp = self.dial_proxy(proxy).await?;
                return Ok(plain(if proxy.secure {
                    Stream::Tls(self.to_proxy(tcp, proxy).await?)
                } else {
                    Stream::Plain(tcp)
                }));
            }
            Route::Tunnel(proxy) => {
                let mut tcp = self.dial_proxy(proxy).await?;
                if proxy.secure {
                    let mut tls = self.to_proxy(tcp, proxy).await?;
                    tunnel(proxy, &mut tls, origin).await?;
                    Stream::Nested(self.to_server(*tls, origin).await?)
                } else {
                    tunnel(proxy, &mut tcp, origin).await?;
                    Stream::Tls(self.to_server(tcp, origin).await?)
                }
            }
        };
        let agreed = match &stream {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => tls.get_ref().1.alpn_protocol(),
            Stream::Nested(tls) => tls.get_ref().1.alpn_protocol(),
        };
        let http2 = agreed == Some(b"h2");
        Ok(Line { stream, http2 })
    }

    async fn dial_proxy(&self, proxy: &Proxy) -> Result<Tcp, Failure> {
        let dialled = tcp::connect(&proxy.host, proxy.port).await;
        dialled.map_err(|e| fault(&proxy.to_string(), &e))
    }

    async fn to_server<S>(&self, stream: S, origin: &Origin) -> Result<Box<TlsStream<S>>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        secure(&self.tls()?.server, stream, &origin.host).await
    }

    async fn to_proxy(&self, tcp: Tcp, proxy: &Proxy) -> Result<Box<TlsStream<Tcp>>, Failure> {
        secure(&self.tls()?.proxy, tcp, &proxy.host).await
    }

    fn tls(&self) -> Result<&Tls, Failure> {
        if let Some(made) = self.tls.get() {
            return Ok(made);
        }
        let made = Tls::build(&self.network)
            .map_err(|error| Failure::Misconfigured(error.message().to_owned()))?;
        Ok(self.tls.get_or_init(|| made))
    }
}

fn plain(stream: Stream) -> Line {
    let http2 = false;
    Line { stream, http2 }
}

async fn dial(host: &str, port: u16) -> Result<Tcp, Failure> {
    let dialled = tcp::connect(host, port).await;
    dialled.map_err(|e| fault(&format!("{host}:{port}"), &e))
}

async fn tunnel<S>(proxy: &Proxy, stream: &mut S, origin: &Origin) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let target = format!("{}:{}", origin.host, origin.port);
    let done = proxy.tunnel(stream, &target).await;
    done.map_err(|e| fault(&proxy.to_string(), &e))
}

async fn secure<S>(tls: &TlsConnector, stream: S, host: &str) -> Result<Box<TlsStream<S>>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|e| fault(host, &e))?;
    let connected = tls.connect(name, stream).await;
    connected.map(Box::new).map_err(|e| {
        // What the other side sent goes into no message.
        fault(&format!("TLS with {host}"), &e)
    })
}

fn fault<E: std::error::Error + Display>(place: &str, error: &E) -> Failure {
    Failure::NotSent(format!("{place}: {}", chain(error)))
}

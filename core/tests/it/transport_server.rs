//! A server whose side of the wire a test can see: connections, versions, what was given up.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::ServerConfig;
use sentryagent_idp::{AgentIdPClient, ClientBuilder};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{AGENT_ID, SECRET, agent};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub connection: usize,
    pub target: String,
    pub version: Version,
    pub headers: HeaderMap,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn is_for_an_agent(&self) -> bool {
        self.target.contains("/agents/")
    }
}

/// What has happened so far.
#[derive(Default)]
pub struct Log {
    pub requests: Vec<Seen>,
    /// Connections that were made.
    pub connections: usize,
    /// Connections that are open.
    pub open: usize,
    /// Requests that are on their way.
    pub running: usize,
    /// Requests whose client went away before the answer.
    pub abandoned: usize,
}

impl Log {
    pub fn agent_requests(&self) -> Vec<&Seen> {
        self.requests
            .iter()
            .filter(|seen| seen.is_for_an_agent())
            .collect()
    }
}

/// The server. Requests for agents wait until the gate is open.
pub struct Server {
    pub url: String,
    pub port: u16,
    log: watch::Sender<Log>,
    gate: watch::Sender<bool>,
}

impl Server {
    pub async fn plain() -> Arc<Self> {
        Self::start(None).await
    }

    pub async fn tls(config: Arc<ServerConfig>) -> Arc<Self> {
        Self::start(Some(config)).await
    }

    async fn start(tls: Option<Arc<ServerConfig>>) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Arc::new(Self {
            url: format!("{scheme}://localhost:{port}"),
            port,
            log: watch::Sender::new(Log::default()),
            gate: watch::Sender::new(true),
        });
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (server, tls) = (serving.clone(), tls.clone());
                server.log.send_modify(|log| {
                    log.connections += 1;
                    log.open += 1;
                });
                let number = server.log.borrow().connections;
                tokio::spawn(async move {
                    match tls {
                        None => server.clone().serve(tcp, number).await,
                        // A client that ends the handshake is a test's own business.
                        Some(tls) => {
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(tcp).await {
                                server.clone().serve(stream, number).await;
                            }
                        }
                    }
                    server.log.send_modify(|log| log.open -= 1);
                });
            }
        });
        server
    }

    async fn serve<S>(self: Arc<Self>, stream: S, connection: usize)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request: Request<Incoming>| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request, connection).await) }
        });
        // A connection that its client ends in the middle is what some tests are about.
        let _ = auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(&self, request: Request<Incoming>, connection: usize) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let seen = Seen {
            connection,
            target: parts.uri.to_string(),
            version: parts.version,
            headers: parts.headers,
        };
        let mut running = Running {
            server: self,
            answered: false,
        };
        let waits = seen.is_for_an_agent();
        self.log.send_modify(|log| {
            log.running += 1;
            log.requests.push(seen);
        });
        let _ = body.collect().await;
        if waits {
            let _ = self.gate.subscribe().wait_for(|open| *open).await;
        }
        running.answered = true;
        let value = if parts.method == Method::POST {
            json!({"access_token": "token-1", "token_type": "Bearer", "expires_in": 3600, "scope": ""})
        } else {
            agent()
        };
        let mut response = Response::new(Full::from(value.to_string()));
        let json = http::HeaderValue::from_static("application/json");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, json);
        response
    }

    /// From now on requests for agents wait, or no longer.
    pub fn open_gate(&self, open: bool) {
        self.gate.send_replace(open);
    }

    /// Waits until the log says so.
    pub async fn until(&self, condition: impl FnMut(&Log) -> bool) {
        let mut log = self.log.subscribe();
        log.wait_for(condition).await.expect("the server lives");
    }

    pub fn log<T>(&self, read: impl FnOnce(&Log) -> T) -> T {
        read(&self.log.borrow())
    }

    /// A client of this server that tries once.
    pub fn client(&self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> AgentIdPClient {
        let builder = AgentIdPClient::builder()
            .base_url(&self.url)
            .client_id("agent-1")
            .client_secret(SECRET)
            .retries(0);
        change(builder).build().expect("a client")
    }
}

/// A request on its way; dropped before its answer, it counts as abandoned.
struct Running<'a> {
    server: &'a Server,
    answered: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.server.log.send_modify(|log| {
            log.running -= 1;
            log.abandoned += usize::from(!self.answered);
        });
    }
}

/// A call that has to succeed.
pub async fn get_agent(client: &AgentIdPClient) {
    let agent = client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect("the agent");
    assert_eq!(agent.agent_id, AGENT_ID);
}

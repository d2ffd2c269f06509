//! The server that every client talks to: canned answers over HTTP/1.1 with keep-alive, on one
//! thread of its own process.

use std::{convert::Infallible, net::Ipv4Addr};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{
    Result, canned,
    issuer::{self, Issuer},
};

/// Serves until it is killed.
pub fn serve() -> Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(accept())
}

async fn accept() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let answers: &'static Answers = Box::leak(Box::new(Answers::new(&base_url)?));
    println!("{base_url}");
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks concerns its client, which counts failures.
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answers.answer(request)),
        ));
    }
}

struct Answers {
    agent: Bytes,
    page: Bytes,
    token: Bytes,
    issuer: Issuer,
}

impl Answers {
    fn new(base_url: &str) -> Result<Self> {
        Ok(Self {
            agent: Bytes::from(canned::agent(0)),
            page: canned::page(),
            token: canned::token(),
            issuer: Issuer::new(base_url)?,
        })
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
        let authorized = request.headers().contains_key("authorization");
        let path = request.uri().path();
        let (status, body) = match (request.method(), path) {
            (&Method::POST, canned::TOKEN) => (StatusCode::OK, self.token.clone()),
            (&Method::GET, issuer::KEYS) => (StatusCode::OK, self.issuer.keys.clone()),
            (&Method::GET, issuer::TOKENS) => (StatusCode::OK, self.issuer.tokens.clone()),
            _ if !authorized => (StatusCode::UNAUTHORIZED, Bytes::new()),
            (&Method::GET, canned::AGENTS) => (StatusCode::OK, self.page.clone()),
            (&Method::GET, one) if one.starts_with(canned::AGENTS) => {
                (StatusCode::OK, self.agent.clone())
            }
            _ => (StatusCode::NOT_FOUND, Bytes::new()),
        };
        // What is not read would end the connection.
        let _ = request.into_body().collect().await;
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            "x-request-id",
            HeaderValue::from_static("0192f8c4-7d1e-7c3a-9f5b-00000000beef"),
        );
        Ok(response)
    }
}

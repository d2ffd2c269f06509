//! One HTTP exchange: a request goes out, a whole answer comes back.
//!
//! Owns: the HTTP client (keep-alive pool, HTTP/1.1 and 2, gzip, proxies of the environment), the
//! limit on an answer's size, and telling "never sent" from "broken on the way".
//! Refuses: redirects, cookies, retries, deadlines; and showing a type of the HTTP library - this
//! folder is the only place that names it, so that it can be replaced.

mod tls;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use crate::{Error, config::Network, policy::ANSWER_BYTES_MAX};

/// What goes out.
pub(crate) struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

/// What came back.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why nothing usable came back.
pub(crate) enum Failure {
    /// No connection was made: the server has seen nothing of the request.
    NotSent(String),
    /// The server may have seen the request.
    Broken(String),
    /// The answer is larger than the limit.
    TooLarge,
    /// The answer's compression is broken.
    Garbled(String),
}

/// The HTTP client of one SDK client. Made at the first call.
pub(crate) struct Transport {
    client: reqwest::Client,
}

impl Transport {
    pub fn build(network: &Network) -> Result<Self, Error> {
        let mut headers = network.headers.clone();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::configuration(network)?)
            .user_agent(&network.user_agent)
            .default_headers(headers)
            .connect_timeout(network.connect_timeout.value)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .build()
            .map_err(|e| {
                Error::configuration(format!("the HTTP client cannot be set up: {}", chain(&e)))
            })?;
        Ok(Self { client })
    }

    pub async fn send(&self, outgoing: Outgoing) -> Result<Reply, Failure> {
        let mut request = reqwest::Request::new(outgoing.method, outgoing.url);
        *request.headers_mut() = outgoing.headers;
        *request.body_mut() = outgoing.body.map(reqwest::Body::from);
        let mut response = self.client.execute(request).await.map_err(|error| {
            let error = error.without_url();
            if error.is_connect() {
                Failure::NotSent(chain(&error))
            } else {
                Failure::Broken(chain(&error))
            }
        })?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = whole_body(&mut response).await?;
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

/// Reads the body up to the limit; one chunk is handed on as it is.
async fn whole_body(response: &mut reqwest::Response) -> Result<Bytes, Failure> {
    if response
        .content_length()
        .is_some_and(|n| n > ANSWER_BYTES_MAX as u64)
    {
        return Err(Failure::TooLarge);
    }
    let Some(first) = chunk(response).await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = chunk(response).await? else {
        return Ok(first);
    };
    let mut whole = BytesMut::with_capacity(first.len() + 2 * second.len());
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(part) = next {
        if whole.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(Failure::TooLarge);
        }
        whole.extend_from_slice(&part);
        next = chunk(response).await?;
    }
    Ok(whole.freeze())
}

async fn chunk(response: &mut reqwest::Response) -> Result<Option<Bytes>, Failure> {
    response.chunk().await.map_err(|error| {
        let error = error.without_url();
        let text = chain(&error);
        if is_invalid_data(&error) {
            Failure::Garbled(text)
        } else {
            Failure::Broken(text)
        }
    })
}

/// The decompressor complains, not the connection.
fn is_invalid_data(error: &dyn std::error::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{InvalidData, InvalidInput};
            if matches!(io.kind(), InvalidData | InvalidInput) {
                return true;
            }
        }
        next = cause.source();
    }
    false
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
    text
}

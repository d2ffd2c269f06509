//! `GET /metrics`: what Prometheus scrapes. Not part of the contract, not authenticated, not counted against any limit:
//! `METRICS_ADDR` moves it to an address that only the scraper reaches.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, header},
    routing::get,
};

use super::{answer, edge::Seen, facts::Envelope, headers, inbound};
use crate::{
    error::ApiError,
    generated::codes::Code,
    metrics::{self, Metrics},
    storage::Storage,
};

/// Where it is.
pub const PATH: &str = "/metrics";

const ALLOW: &str = "GET, HEAD";

/// Adds its route.
pub fn route(router: Router, metrics: Arc<Metrics>, storage: Arc<dyn Storage>) -> Router {
    let page = move |request: Request<Body>| async move {
        Seen::of(&request).route(PATH);
        let pool = storage.pool();
        metrics.set_pool(pool.active, pool.waiting);
        scraped(request.headers(), &metrics)
    };
    router.route(PATH, get(page).fallback(refused))
}

/// The same where nothing else is answered, in the words and with the headers of every other answer.
pub fn alone(metrics: Arc<Metrics>, storage: Arc<dyn Storage>) -> Router {
    route(Router::new().fallback(nothing_else), metrics, storage)
}

async fn nothing_else(request: Request<Body>) -> Response<Body> {
    let error = ApiError::new(Code::NotFound).message("No such path.");
    let mut response = answer::error(&error, Envelope::Standard).into_response();
    headers::decorate(
        response.headers_mut(),
        &inbound::request_id(request.headers()),
    );
    response
}

/// Any other method; in the words of every other path.
async fn refused(request: Request<Body>) -> Response<Body> {
    Seen::of(&request).route(PATH);
    let error =
        ApiError::new(Code::MethodNotAllowed).message(format!("This path answers {ALLOW}."));
    let mut response = answer::error(&error, Envelope::Standard).into_response();
    let out = response.headers_mut();
    headers::decorate(out, &inbound::request_id(request.headers()));
    out.insert(header::ALLOW, HeaderValue::from_static(ALLOW));
    response
}

fn scraped(request: &HeaderMap, metrics: &Metrics) -> Response<Body> {
    let mut response = Response::new(Body::from(metrics.encode()));
    let out = response.headers_mut();
    headers::decorate(out, &inbound::request_id(request));
    out.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media(request)),
    );
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same text has two names: who does not know the younger one reads it as the older.
fn media(request: &HeaderMap) -> &'static str {
    let knows = request
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/openmetrics-text"));
    if knows {
        metrics::CONTENT_TYPE
    } else {
        metrics::PLAIN_CONTENT_TYPE
    }
}

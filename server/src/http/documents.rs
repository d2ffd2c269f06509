//! The contract itself: `/openapi.json` and `/openapi.yaml`. Public, the same for everybody.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, Response, header},
    routing::get,
};

use super::gate::Gate;
use crate::generated::{OPENAPI_JSON, OPENAPI_YAML};

/// Adds their routes.
pub fn routes(router: Router, gate: &Arc<Gate>) -> Router {
    let serve = |media: &'static str, text: &'static str| {
        let gate = Arc::clone(gate);
        get(move |headers: HeaderMap| async move { gate.decorate(&headers, document(media, text)) })
    };
    router
        .route("/openapi.json", serve("application/json", OPENAPI_JSON))
        .route("/openapi.yaml", serve("application/yaml", OPENAPI_YAML))
}

fn document(media: &'static str, text: &'static str) -> Response<axum::body::Body> {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    response
}

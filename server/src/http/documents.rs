//! The contract itself: `/openapi.json` and `/openapi.yaml`. Public, the same for everybody.

use axum::{
    Router,
    http::{HeaderValue, Response, header},
    routing::get,
};

use crate::generated::{OPENAPI_JSON, OPENAPI_YAML};

/// Their routes.
pub fn routes(router: Router) -> Router {
    router
        .route("/openapi.json", get(async || document("application/json", OPENAPI_JSON)))
        .route("/openapi.yaml", get(async || document("application/yaml", OPENAPI_YAML)))
}

fn document(media: &'static str, text: &'static str) -> Response<axum::body::Body> {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

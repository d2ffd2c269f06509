//! The contract itself: `/openapi.json` and `/openapi.yaml`. Public, the same for everybody.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header},
    routing::get,
};

use super::{edge::Seen, facts::Envelope, gate::Gate};
use crate::{
    error::ApiError,
    generated::{OPENAPI_JSON, OPENAPI_YAML, codes::Code},
};

const ALLOW: &str = "GET, HEAD";

/// Adds their routes.
pub fn routes(router: Router, gate: &Arc<Gate>) -> Router {
    let serve = |path: &'static str, media: &'static str, text: &'static str| {
        let (gate, refusing) = (Arc::clone(gate), Arc::clone(gate));
        let page = move |request: Request<Body>| async move {
            Seen::of(&request).route(path);
            gate.decorate(request.headers(), document(media, text))
        };
        // Any other method; in the words of every other path.
        let refused = move |request: Request<Body>| async move {
            Seen::of(&request).route(path);
            let error = ApiError::new(Code::MethodNotAllowed)
                .message(format!("This path answers {ALLOW}."));
            refusing.refuse(&request, error, Some((Envelope::Standard, ALLOW)))
        };
        (path, get(page).fallback(refused))
    };
    [
        serve("/openapi.json", "application/json", OPENAPI_JSON),
        serve("/openapi.yaml", "application/yaml", OPENAPI_YAML),
    ]
    .into_iter()
    .fold(router, |router, (path, page)| router.route(path, page))
}

fn document(media: &'static str, text: &'static str) -> Response<Body> {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    response
}

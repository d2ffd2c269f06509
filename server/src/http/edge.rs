//! Around every route, refused and unknown ones included: one line in the log, one measurement and one span a request.
//!
//! What only the pipeline learns on the way - which route it is, who calls - it notes in [`Seen`]. Whatever answers, the
//! answer has a request id and the usual headers. A request whose client goes away before it is answered is counted as
//! 499, as proxies do.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, Response, StatusCode},
    middleware::{self, Next},
};
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::{
    cors, headers, inbound,
    rest::Rest,
    tls_only::{self, TlsOnly},
};
use crate::{call::Caller, config::Origins, metrics::Metrics, telemetry};

/// The route of what matches none: never the path as it came.
const UNMATCHED: &str = "unmatched";
/// The client went away.
const CLIENT_GONE: u16 = 499;

/// What the pipeline learns of a request; among the request's extensions.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Learned>);

#[derive(Debug, Default)]
struct Learned {
    route: OnceLock<&'static str>,
    agent: OnceLock<Uuid>,
    organization: OnceLock<Uuid>,
}

impl Seen {
    /// What the edge put there; nobody reads it where there is no edge.
    pub fn of<B>(request: &axum::http::Request<B>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// Which route answers, as a template.
    pub fn route(&self, route: &'static str) {
        // The first to say so is right; there is one.
        let _ = self.0.route.set(route);
    }

    /// Who calls.
    pub fn caller(&self, caller: &Caller) {
        let _ = self.0.organization.set(caller.organization_id);
        self.agent(caller.agent_id);
    }

    /// Who was issued a token.
    pub fn agent(&self, agent: Uuid) {
        let _ = self.0.agent.set(agent);
    }
}

/// What stands around the routes.
pub struct Edge {
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// Whose pages may call.
    pub origins: Option<Origins>,
    /// Whether only TLS will do.
    pub tls_only: Option<TlsOnly>,
}

impl Edge {
    /// Around everything that this router answers.
    pub fn around(self, router: Router) -> Router {
        let router = match &self.origins {
            Some(origins) => router.layer(cors::layer(origins)),
            None => router,
        };
        router.layer(middleware::from_fn_with_state(Arc::new(self), pass))
    }
}

async fn pass(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response<axum::body::Body> {
    let request_id = inbound::request_id(request.headers());
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        // From here on there is one.
        request.headers_mut().insert(inbound::REQUEST_ID, id);
    }
    let method = method(request.method());
    let span = telemetry::request(request.headers(), method, &request_id);
    let mut report = Report {
        edge,
        method,
        span: span.clone(),
        request_id,
        seen,
        began: Instant::now(),
        status: CLIENT_GONE,
    };
    let secure = tls_only::is_secure(&request);
    let redirect = report.edge.tls_only.as_ref();
    let (request, rest) = Rest::of(request);
    let mut response = match redirect.and_then(|only| only.redirect(&request)) {
        Some(redirect) => {
            drop(request);
            redirect
        }
        None => next.run(request).instrument(span).await,
    };
    report.status = response.status().as_u16();
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        rest.discard().await;
    }
    if !response.headers().contains_key(inbound::REQUEST_ID) {
        headers::decorate(response.headers_mut(), &report.request_id);
    }
    if secure {
        headers::keep_to_tls(response.headers_mut());
    }
    response
}

/// Written when it is dropped, so that a request that nobody waits for any more is not forgotten.
struct Report {
    edge: Arc<Edge>,
    method: &'static str,
    span: Span,
    request_id: String,
    seen: Seen,
    began: Instant,
    status: u16,
}

impl Drop for Report {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let learned = &self.seen.0;
        let route = learned.route.get().copied().unwrap_or(UNMATCHED);
        self.edge
            .metrics
            .request(self.method, route, self.status, took);
        telemetry::answered(&self.span, self.method, route, self.status);
        self.log(route, took);
    }
}

impl Report {
    /// Health checks and scrapes come every few seconds and say nothing: they are a matter of `debug`.
    fn log(&self, route: &'static str, took: Duration) {
        let learned = &self.seen.0;
        let agent = learned.agent.get().map(tracing::field::display);
        let organization = learned.organization.get().map(tracing::field::display);
        let trace_id = telemetry::trace_id(&self.span);
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: "agentidp::access",
                    $level,
                    request_id = self.request_id,
                    trace_id,
                    method = self.method,
                    route,
                    status = self.status,
                    duration_ms,
                    agent,
                    organization,
                    "answered"
                )
            };
        }
        if route.starts_with("/health") || route == super::METRICS_PATH {
            line!(tracing::Level::DEBUG);
        } else {
            line!(tracing::Level::INFO);
        }
    }
}

/// Anybody may invent a method; a label may not follow.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

//! OpenTelemetry traces: a span for each request and each run of a job, and one for each question to the store, Redis and
//! Vault on their behalf, sent to a collector by OTLP over HTTP. Names and attributes follow OpenTelemetry's semantic
//! conventions; no key, path, argument or answer is among them.
//!
//! Owns which spans there are ([`TARGET`] and nothing else), whose trace a request belongs to (W3C Trace Context) and how
//! spans leave. Refuses to make a request wait: spans queue in a bounded buffer, a thread of its own sends them, and what
//! a collector does not take in time is dropped.
//!
//! Without a collector nobody asks for these spans, and each costs the look at one flag.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use axum::http::HeaderMap;
use bytes::Bytes;
use opentelemetry::{
    KeyValue,
    propagation::TextMapPropagator,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Span, Subscriber, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::{app::StartError, config::Collector, outbound};

/// The target of every span that is sent, and of nothing else.
pub const TARGET: &str = "agentidp::trace";
/// Whether anybody takes these spans. A look of our own: asking the subscriber about a span that is then not made would
/// leave it with what it found for the next event of this thread.
static ASKED: AtomicBool = AtomicBool::new(false);
/// How long a collector may take to accept a connection, and to take a batch.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
const SEND_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the last spans get when the server stops.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// Where spans go.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// To that collector, its calls on this runtime.
    pub fn start(collector: &Collector, runtime: Handle) -> Result<Self, StartError> {
        let client =
            outbound::client(CONNECT_TIME_MAX, SEND_TIME_MAX).map_err(StartError::failed)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OnRuntime {
                client,
                runtime,
                failing: AtomicBool::new(false),
            })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", collector.endpoint))
            .build()
            .map_err(StartError::failed)?;
        let resource = Resource::builder()
            .with_service_name(collector.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("agentidp");
        Ok(Self { provider, tracer })
    }

    /// What takes the spans from the rest of the server.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        ASKED.store(true, Ordering::Relaxed);
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|of| of.is_span() && of.target() == TARGET))
    }

    /// Sends what is left, in bounded time.
    pub async fn stop(self) {
        let drain = move || self.provider.shutdown_with_timeout(DRAIN_TIME_MAX);
        match tokio::task::spawn_blocking(drain).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not delivered"),
            Err(error) => tracing::warn!(%error, "the last traces were not delivered"),
        }
    }
}

/// The span of a request that has come; disabled when nobody asks for it.
pub fn request(headers: &HeaderMap, method: &'static str, request_id: &str) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        agentidp.request_id = request_id,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // Fails only for a span that has begun, which this one has not.
        let _ = span.set_parent(parent);
    }
    span
}

/// Completes the span of a request once it is answered.
pub fn answered(span: &Span, method: &'static str, route: &'static str, status: u16) {
    if span.is_disabled() {
        return;
    }
    // Which route it is was not known when the span began.
    span.context()
        .span()
        .update_name(format!("{method} {route}"));
    span.record("http.route", route);
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        failed(span);
    }
}

/// The trace that a span belongs to, for the log; `None` when it is not traced.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let of = context.span().span_context().clone();
    of.is_valid().then(|| of.trace_id().to_string())
}

/// Whether a question is asked on behalf of a request or a job that is traced; what the server asks for itself, several
/// times a second, is not.
fn on_behalf() -> bool {
    ASKED.load(Ordering::Relaxed) && !Span::current().is_none()
}

/// What the span stands for failed.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}

/// The span of a run of a job, the beginning of a trace of its own.
pub fn job(name: &'static str) -> Span {
    if !ASKED.load(Ordering::Relaxed) {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "job",
        otel.kind = "internal",
        otel.name = format!("job {name}"),
        otel.status_code = Empty,
        agentidp.job = name,
    )
}

/// The span of a command to Redis.
pub fn redis(command: &'static str, host: &str, port: u16) -> Span {
    if !on_behalf() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "redis",
        otel.kind = "client",
        otel.name = command,
        otel.status_code = Empty,
        db.system.name = "redis",
        db.operation.name = command,
        server.address = host,
        server.port = i64::from(port),
    )
}

/// The span of a call to Vault.
pub fn vault(operation: &'static str, method: &str, host: &str, port: u16) -> Span {
    if !on_behalf() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "vault",
        otel.kind = "client",
        otel.name = operation,
        otel.status_code = Empty,
        http.request.method = method,
        http.response.status_code = Empty,
        server.address = host,
        server.port = i64::from(port),
    )
}

/// Completes the span of a call to Vault. That something is not there is an answer.
pub fn vault_answered(span: &Span, status: u16) {
    span.record("http.response.status_code", i64::from(status));
    if status >= 400 && status != 404 {
        failed(span);
    }
}

/// The span of a question to the store.
pub fn storage(operation: &'static str) -> Span {
    if !on_behalf() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "storage",
        otel.kind = "client",
        otel.name = operation,
        db.operation.name = operation,
    )
}

/// Calls the collector on the server's runtime: the thread that sends spans has none.
#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
    failing: AtomicBool,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self
            .runtime
            .spawn(async move { HttpClient::send_bytes(&client, request).await });
        let outcome = sending.await?;
        let problem = match &outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        self.tell(problem.as_deref());
        outcome
    }
}

impl OnRuntime {
    /// Once when it begins to fail, once when it no longer does.
    fn tell(&self, problem: Option<&str>) {
        match (
            self.failing.swap(problem.is_some(), Ordering::Relaxed),
            problem,
        ) {
            (false, Some(problem)) => {
                tracing::warn!(problem, "traces cannot be delivered and are dropped");
            }
            (true, None) => tracing::info!("traces are delivered again"),
            _ => {}
        }
    }
}

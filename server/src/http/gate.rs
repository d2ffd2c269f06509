//! The pipeline: everything that happens to a request around its handler, in this order.
//!
//! 1. circumstances: request id, address, user agent; a span for the log
//! 2. limits of time and panics, turned into answers; headers of a size (431); a free place, or 503
//! 3. who calls (401)
//! 4. how often (429)
//! 5. whether the policy lets that caller take this route (403), and its organization's tier one more call (429)
//! 6. the body, not encoded (415), at most a megabyte (413, 408)
//! 7. whether the same request was answered before (`Idempotency-Key`, 409)
//! 8. the generated route, which judges ids, and the handler, which judges the rest
//! 9. headers that every answer has
//!
//! Nothing here knows an operation: what differs stands in [`Facts`]. Steps 3 to 5 are in `admission`.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, Response, header, request::Parts},
};
use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::Mutex;
use tracing::Instrument;

use super::{
    answer::{self, Answer},
    edge::Seen,
    facts::{AuthKind, Envelope, Facts},
    headers, inbound,
    routes::{Handler, Ready},
    slots::Slots,
    unchecked::RawInput,
};
use crate::{
    auth::Authenticator,
    call::{Call, Caller, ClientCredentials},
    clock::Clock,
    config::Proxies,
    error::ApiError,
    generated::codes::Code,
    idempotency::{self, Idempotency},
    limits::{Limits, Standing},
    policy::Policy,
    tiers::Tiers,
    wire::Faults,
};

/// The longest a request may take, its body included.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the pipeline works with.
pub struct Gate {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How many requests at once.
    pub slots: Slots,
    /// Whose forwarded headers count.
    pub proxies: Proxies,
    /// Who calls.
    pub auth: Arc<Authenticator>,
    /// How often.
    pub limits: Limits,
    /// What the caller's organization has agreed to.
    pub tiers: Arc<Tiers>,
    /// What is allowed.
    pub policy: Arc<dyn Policy>,
    /// What was answered before.
    pub idempotency: Arc<Idempotency>,
}

/// Who passed, and what they presented.
#[derive(Default)]
pub(super) struct Who {
    pub caller: Option<Caller>,
    pub client: Option<ClientCredentials>,
}

/// What the answer's headers say about the request, learned on the way.
#[derive(Default)]
pub(super) struct Notes {
    pub standing: Option<Standing>,
    pub replayed: bool,
}

impl Gate {
    /// One request, from the matched route to the finished answer.
    pub async fn pass(
        &self,
        facts: &'static Facts,
        handler: &Handler,
        path: Vec<String>,
        request: Request<Body>,
    ) -> Response<Body> {
        Seen::of(&request).route(facts.route);
        let call = inbound::call(&request, &self.proxies, self.clock.now());
        let request_id = call.request_id.clone();
        let span = tracing::info_span!("request", id = %request_id, method = facts.method, route = facts.route);
        let notes = Mutex::new(Notes::default());
        let judged = AssertUnwindSafe(self.judge(facts, handler, path, call, request, &notes))
            .catch_unwind();
        let outcome = tokio::time::timeout(REQUEST_TIME_MAX, judged)
            .instrument(span.clone())
            .await;
        let outcome = match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ApiError::internal("a handler panicked")),
            Err(_) => Err(ApiError::new(Code::RequestTimeout)),
        };
        let _entered = span.enter();
        let answer = outcome.unwrap_or_else(|error| {
            log(&error);
            answer::error(&error, facts.envelope)
        });
        let mut response = answer.into_response();
        let out = response.headers_mut();
        headers::decorate(out, &request_id);
        let notes = notes.into_inner();
        if let Some(standing) = notes.standing {
            headers::rate_limit(out, standing);
        }
        if notes.replayed {
            out.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        if facts.sensitive {
            headers::no_store(out);
        }
        response
    }

    /// The headers of every answer, for what is served beside the contract's operations.
    pub fn decorate(
        &self,
        request_headers: &HeaderMap,
        mut response: Response<Body>,
    ) -> Response<Body> {
        headers::decorate(
            response.headers_mut(),
            &inbound::request_id(request_headers),
        );
        response
    }

    /// A request that matches no route; `allow` when its path exists.
    pub fn refuse<B>(
        &self,
        request: &Request<B>,
        error: ApiError,
        allow: Option<(Envelope, &str)>,
    ) -> Response<Body> {
        let (envelope, allow) = allow.map_or((Envelope::Standard, None), |(e, a)| (e, Some(a)));
        let mut response = answer::error(&error, envelope).into_response();
        let out = response.headers_mut();
        headers::decorate(out, &inbound::request_id(request.headers()));
        if let Some(allow) = allow.and_then(|a| HeaderValue::from_str(a).ok()) {
            out.insert(header::ALLOW, allow);
        }
        response
    }

    async fn judge(
        &self,
        facts: &'static Facts,
        handler: &Handler,
        path: Vec<String>,
        call: Call,
        request: Request<Body>,
        notes: &Mutex<Notes>,
    ) -> Result<Answer, ApiError> {
        inbound::check_headers(request.headers())?;
        let _slot = self.slots.take(facts)?;
        let seen = Seen::of(&request);
        let (parts, body) = request.into_parts();
        let (who, body) = match facts.auth {
            AuthKind::Public => (Who::default(), self.body(facts, &parts, body).await?),
            AuthKind::Bearer => {
                let who = self.bearer(facts, &call, &parts.headers, notes).await?;
                self.admit(facts, &who).await?;
                (who, self.body(facts, &parts, body).await?)
            }
            // The client may stand in the form, so the body is read first.
            AuthKind::Client | AuthKind::BearerOrClient => {
                let body = self.body(facts, &parts, body).await?;
                let who = self
                    .client(facts, &call, &parts.headers, &body, notes)
                    .await?;
                if facts.auth == AuthKind::BearerOrClient {
                    self.admit(facts, &who).await?;
                }
                (who, body)
            }
        };
        if let Some(caller) = &who.caller {
            seen.caller(caller);
        }
        let named = who.client.as_ref().map(|client| client.client_id.clone());
        let answer = self
            .answer(facts, handler, path, call, &parts, who, body, notes)
            .await?;
        // The handler authenticated whoever named itself.
        if let Some(agent) = named.and_then(|id| id.parse().ok()) {
            seen.agent(agent);
        }
        Ok(answer)
    }

    async fn body(&self, facts: &Facts, parts: &Parts, body: Body) -> Result<Bytes, ApiError> {
        if facts.has_body {
            inbound::body(parts, body).await
        } else {
            Ok(Bytes::new())
        }
    }

    /// The generated route, behind the store of earlier answers.
    #[allow(clippy::too_many_arguments)]
    async fn answer(
        &self,
        facts: &'static Facts,
        handler: &Handler,
        path: Vec<String>,
        call: Call,
        parts: &Parts,
        who: Who,
        body: Bytes,
        notes: &Mutex<Notes>,
    ) -> Result<Answer, ApiError> {
        let mut faults = Faults::default();
        let key = match (&who.caller, facts.idempotency_key) {
            (Some(caller), true) => key(&parts.headers, &mut faults)
                .map(|key| (caller.agent_id, caller.organization_id, key)),
            _ => None,
        };
        let query = parts.uri.query().map(str::to_owned);
        let raw = RawInput {
            query,
            content_type: content_type(&parts.headers),
            body: body.clone(),
            faults,
            envelope: facts.envelope,
        };
        let ready = Ready::new(call, who.caller, who.client, path, raw);
        let Some((client, organization, key)) = key else {
            return handler(ready).await;
        };
        let request = idempotency::Request {
            client,
            organization,
            facts,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            body: &body,
        };
        let work = handler(ready);
        let span = tracing::Span::current();
        let settled = async move {
            work.await.unwrap_or_else(|error| {
                log(&error);
                answer::error(&error, facts.envelope)
            })
        };
        let outcome = self
            .idempotency
            .once(&key, request, settled.instrument(span))
            .await?;
        notes.lock().replayed = outcome.replayed;
        Ok(outcome.answer)
    }
}

pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned)
}

/// The idempotency key; an ill-formed one is a fault among the others.
fn key(headers: &HeaderMap, faults: &mut Faults) -> Option<idempotency::Key> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let first = all.next()?;
    let key = first
        .to_str()
        .ok()
        .and_then(idempotency::Key::parse)
        .filter(|_| all.next().is_none());
    if key.is_none() {
        faults.add(
            "Idempotency-Key",
            "must be given once, as 1-255 visible ASCII characters",
        );
    }
    key
}

/// What really happened goes to the log, with the request id of the span around it.
fn log(error: &ApiError) {
    let code = error.code();
    let cause = error.cause().map(ToString::to_string).unwrap_or_default();
    match code.status() {
        500 => tracing::error!(code = code.as_str(), cause, "a request failed"),
        501.. => tracing::warn!(code = code.as_str(), cause, "a request could not be served"),
        _ => tracing::debug!(code = code.as_str(), cause, "a request was refused"),
    }
}

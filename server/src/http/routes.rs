//! The table of routes: generated sections add to it, axum matches it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{RawPathParams, Request, rejection::RawPathParamsRejection},
    http::Method,
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter},
};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{
    answer::Answer,
    facts::{Envelope, Facts},
    gate::Gate,
    unchecked::RawInput,
};
use crate::{
    call::{Call, Caller, ClientCredentials},
    error::ApiError,
    generated::codes::Code,
    wire::read::parse_uuid,
};

/// A generated route: from a request that has passed the gate to a finished answer.
pub type Handler = Arc<dyn Fn(Ready) -> BoxFuture<'static, Result<Answer, ApiError>> + Send + Sync>;

/// A request that has passed the gate.
pub struct Ready {
    /// Its circumstances.
    pub call: Call,
    /// What the client presented, at the token endpoint.
    pub client: Option<ClientCredentials>,
    caller: Option<Caller>,
    path: Vec<String>,
    raw: RawInput,
}

impl Ready {
    /// Put together by the gate.
    pub fn new(
        call: Call,
        caller: Option<Caller>,
        client: Option<ClientCredentials>,
        path: Vec<String>,
        raw: RawInput,
    ) -> Self {
        Self {
            call,
            client,
            caller,
            path,
            raw,
        }
    }

    /// Who calls. The gate has seen to it for every operation that asks.
    pub fn caller(&self) -> Result<&Caller, ApiError> {
        self.caller
            .as_ref()
            .ok_or_else(|| ApiError::internal("a protected route was reached without a caller"))
    }

    /// The path parameter of that index as an id. A malformed one is answered like an unknown one.
    pub fn id(&self, index: usize, missing: Code) -> Result<Uuid, ApiError> {
        self.path
            .get(index)
            .and_then(|text| parse_uuid(text))
            .ok_or_else(|| ApiError::new(missing))
    }

    /// The path parameter of that index as text.
    pub fn text(&self, index: usize) -> Result<String, ApiError> {
        self.path
            .get(index)
            .filter(|text| !text.chars().any(char::is_control))
            .cloned()
            .ok_or_else(|| ApiError::new(Code::NotFound))
    }

    /// Query and body, not checked yet.
    pub fn input(&self) -> RawInput {
        self.raw.clone()
    }
}

/// Routes in the making.
#[derive(Default)]
pub struct Routes {
    paths: BTreeMap<String, Path>,
    operations: Vec<&'static Facts>,
}

#[derive(Default)]
struct Path {
    methods: Vec<(&'static Facts, Handler)>,
}

impl Routes {
    /// Adds an operation under its path and its aliases.
    pub fn add<F, R>(&mut self, facts: &'static Facts, handler: F)
    where
        F: Fn(Ready) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |ready| Box::pin(handler(ready)));
        self.operations.push(facts);
        for path in std::iter::once(facts.path).chain(facts.aliases.iter().copied()) {
            self.paths
                .entry(path.to_owned())
                .or_default()
                .methods
                .push((facts, Arc::clone(&handler)));
        }
    }

    /// Every operation that was added.
    pub fn operations(&self) -> &[&'static Facts] {
        &self.operations
    }

    /// The matcher, with the gate before every handler and an answer for what does not match.
    pub fn into_router(self, gate: &Arc<Gate>) -> Router {
        let mut router = Router::new();
        for (path, entry) in self.paths {
            router = router.route(&path, entry.into_method_router(gate));
        }
        let gate = Arc::clone(gate);
        router.fallback(move |request: Request| {
            let gate = Arc::clone(&gate);
            async move {
                gate.refuse(
                    &request,
                    ApiError::new(Code::NotFound).message("No such path."),
                    None,
                )
            }
        })
    }
}

impl Path {
    fn into_method_router(self, gate: &Arc<Gate>) -> MethodRouter {
        let allow = self.allow();
        let envelope = self
            .methods
            .first()
            .map_or(Envelope::Standard, |(facts, _)| facts.envelope);
        let mut router = MethodRouter::new();
        for (facts, handler) in self.methods {
            let Some(filter) = filter(facts.method) else {
                continue;
            };
            let gate = Arc::clone(gate);
            router = router.on(filter, move |path: Parameters, request: Request| {
                let gate = Arc::clone(&gate);
                let handler = Arc::clone(&handler);
                async move {
                    let path = texts(path);
                    gate.pass(facts, &handler, path, request).await
                }
            });
        }
        let gate = Arc::clone(gate);
        router.fallback(move |request: Request| {
            let gate = Arc::clone(&gate);
            let allow = allow.clone();
            async move {
                let error = ApiError::new(Code::MethodNotAllowed)
                    .message(format!("This path answers {allow}."));
                gate.refuse(&request, error, Some((envelope, &allow)))
                    .into_response()
            }
        })
    }

    /// `GET, HEAD`: what stands in `Allow`.
    fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.methods.iter().map(|(facts, _)| facts.method).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods.join(", ")
    }
}

/// What stands in a path's placeholders, as far as it is text.
type Parameters = Result<RawPathParams, RawPathParamsRejection>;

/// In their order. One that is no UTF-8 makes all of them missing: what the path names is then as unknown as any other
/// malformed id, and judged in the same place.
fn texts(parameters: Parameters) -> Vec<String> {
    parameters.map_or_else(
        |_| Vec::new(),
        |all| all.iter().map(|(_, value)| value.to_owned()).collect(),
    )
}

fn filter(method: &str) -> Option<MethodFilter> {
    MethodFilter::try_from(method.parse::<Method>().ok()?).ok()
}

//! The layer and the service that it makes.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response, header};
use tower_layer::Layer;
use tower_service::Service;

use super::refusal::Refusal;
use crate::{TokenVerifier, VerifiedToken};

/// Lets requests through that bring an access token which holds; the service finds the
/// [`VerifiedToken`] among the request's extensions.
#[derive(Clone, Debug)]
pub struct VerifyTokenLayer {
    verifier: TokenVerifier,
    scopes: Arc<[String]>,
}

impl VerifyTokenLayer {
    /// A layer over this verifier.
    #[must_use]
    pub fn new(verifier: TokenVerifier) -> Self {
        Self {
            verifier,
            scopes: Arc::new([]),
        }
    }

    /// Scopes that every request's token needs besides the verifier's own; default none.
    #[must_use]
    pub fn required_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

impl<S> Layer<S> for VerifyTokenLayer {
    type Service = VerifyToken<S>;

    fn layer(&self, inner: S) -> VerifyToken<S> {
        VerifyToken {
            inner,
            layer: self.clone(),
        }
    }
}

/// What [`VerifyTokenLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct VerifyToken<S> {
    inner: S,
    layer: VerifyTokenLayer,
}

impl<S, B, R> Service<Request<B>> for VerifyToken<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that was polled ready does the work; its clone waits for the next request.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            match layer.admit(request.headers()).await {
                Ok(token) => {
                    request.extensions_mut().insert(token);
                    inner.call(request).await
                }
                Err(refusal) => Ok(refusal.answer()),
            }
        })
    }
}

impl VerifyTokenLayer {
    async fn admit(&self, headers: &HeaderMap) -> Result<VerifiedToken, Refusal> {
        let token = bearer(headers)?;
        // With the key at hand this waits for nothing.
        let verdict = self.verifier.verify_scopes(token, &self.scopes).await;
        verdict.map_err(Refusal::Verdict)
    }
}

/// The token of `Authorization: Bearer …`, the scheme in any case (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Refusal::NoToken);
    };
    if values.next().is_some() {
        return Err(Refusal::Ambiguous);
    }
    let text = value.to_str().map_err(|_| Refusal::Ambiguous)?;
    let (scheme, token) = text.trim().split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(Refusal::NoToken);
    }
    Ok(token.trim_start())
}

//! The verifier in front of a service: a tower layer, for axum and everything else that is built on
//! tower (feature `tower`).
//!
//! ```no_run
//! # fn f() -> Result<(), sentryagent_idp::Error> {
//! use sentryagent_idp::{TokenVerifier, adapter::VerifyTokenLayer};
//! let verifier = TokenVerifier::builder("https://idp.example.com", "https://api.example.com").build()?;
//! let layer = VerifyTokenLayer::new(verifier).required_scopes(["reports:read"]);
//! // axum: Router::new().route("/reports", get(reports)).layer(layer)
//! // and in the handler: Extension(token): Extension<VerifiedToken>
//! # Ok(()) }
//! ```
//!
//! | request | answer |
//! |---|---|
//! | no token | 401, `WWW-Authenticate: Bearer` |
//! | a token that does not hold | 401, `error="invalid_token"` |
//! | a scope is missing | 403, `error="insufficient_scope"` |
//! | nothing can be said of the token: no keys can be had | 503, `Retry-After` |
//!
//! Owns: reading `Authorization`, the answers to refused requests. Refuses: tokens in a query or body;
//! judging tokens, which `verify` does.

mod refusal;
mod service;

pub use self::service::{VerifyToken, VerifyTokenLayer};

//! The reference server of AgentIdP.
//!
//! Layers, each of which knows only what stands below it:
//!
//! ```text
//! http          routes and extractors (generated), one pipeline, one error type -> answer
//! <section>     rules: agents, credentials, tokens, audit, oidc, health; no HTTP, no SQL
//! storage       SQL; one trait for each section
//! ```
//!
//! Beside them stand the horizontal parts: `auth`, `policy`, `limits`, `tiers`, `idempotency`,
//! `keys`, `secrets`, `revocation`, `cache`, `config`, `care`. `app` puts them together, `serve` runs
//! them.
//!
//! This crate never depends on the SDK's core: a type shared with a client could hide a fault in
//! both.

pub mod agents;
pub mod app;
pub mod audit;
pub mod auth;
pub mod bootstrap;
pub mod cache;
pub mod call;
pub mod care;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod error;
pub mod generated;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod metrics;
pub mod mock;
pub mod oidc;
pub mod outbound;
pub mod policy;
pub mod revocation;
pub mod secrets;
pub mod serve;
pub mod storage;
pub mod telemetry;
pub mod tiers;
pub mod tls;
pub mod tokens;
pub mod vault;
pub mod wire;

//! Client for SentryAgent AgentIdP, the identity provider for AI agents.
//!
//! An agent is registered once, authenticates with OAuth 2.0 client credentials and receives
//! short-lived tokens. This crate takes care of the token, of retries, deadlines and errors; its
//! services and models come from the API's contract.
//!
//! ```no_run
//! # async fn f() -> Result<(), sentryagent_idp::Error> {
//! use sentryagent_idp::AgentIdPClient;
//!
//! let client = AgentIdPClient::from_env()?;
//! match client.agents().get_agent("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11").await {
//!     Ok(agent) => println!("{} is {}", agent.email, agent.status),
//!     Err(e) if e.is_not_found() => println!("no such agent ({})", e.code()),
//!     Err(e) => return Err(e),
//! }
//! # Ok(()) }
//! ```
//!
//! Calls need a tokio runtime with its timer and network drivers. The policy on retries, time and
//! tokens stands in [`policy`].
//!
//! # Invariants
//! No panic reaches a caller. No secret shows in a `Debug`, an error or a log. No type of an HTTP
//! library shows in the public interface. No operation is named in code written by hand.

#[cfg(feature = "tower")]
pub mod adapter;
mod audit_chain;
#[cfg(feature = "bridge")]
pub mod bridge;
mod call;
mod client;
pub mod clock;
pub mod config;
mod ending;
mod error;
mod generated;
mod log;
mod operation;
#[allow(dead_code)] // a contract may have no list
mod pages;
pub mod policy;
mod process;
mod secret;
#[allow(dead_code)] // a contract need not use every type
mod shape;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod trace;
mod transport;
mod verify;
mod webhook;
mod wire;

pub use audit_chain::{ChainVerification, verify_audit_events};
pub use call::{Call, Raw};
pub use client::{AgentIdPClient, ClientBuilder};
pub use error::{Error, ErrorKind, codes};
pub use generated::{models, services};
pub use operation::{Auth, Operation, Paging, operations};
pub use pages::{Next, Page, Pages};
pub use secret::Secret;
pub use token::TokenManager;
pub use verify::{Algorithm, TokenVerifier, TokenVerifierBuilder, VerifiedToken};
pub use webhook::{WebhookVerifier, verify_webhook};
pub use wire::{Extra, FromBody};

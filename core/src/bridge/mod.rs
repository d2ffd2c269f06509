//! What every FFI binding shares. Not for users of the Rust crate.
//!
//! ```text
//! host thread            runtime thread (one per process, made at the first call)
//!   Channel::start ────────▶ task: arguments ─▶ call ─▶ decode
//!   Channel::drain ◀──────── queue ◀──────────────────────┘   wake() once, when it was empty
//!   Channel::cancel ───────▶ the task is dropped: its connection or stream closes
//! ```
//!
//! Owns: the runtime, channels, completion queues, log records, and what happens after a `fork`.
//! Refuses: touching a host's virtual machine; any operation by name; letting a panic through.
//!
//! # After a fork
//! A child handler counts forks, and everything here belongs to one count. In the child a client
//! or channel finds that its insides are of another count, leaves them as they are - dropping them
//! would reach into sockets that the parent uses - and starts afresh.

mod args;
mod channel;
mod client;
mod clock;
mod config;
pub mod logs;
mod place;
mod rows;
mod runtime;
mod verifier;

pub use self::{
    channel::{Answer, Channel, Completion, Decode},
    client::BridgeClient,
    clock::BridgeClock,
    verifier::{BridgeVerifier, verify_audit_events, verify_webhook},
};
pub use crate::operation::{Operation, operations};

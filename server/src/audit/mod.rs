//! The audit log: what an event is, how it is hashed (format 1), how it is recorded, and what may be read of it.
//!
//! ```text
//! sections -> NewEvent -> Recorder or a storage command -> seal (salt, payload hash) -> writer (sequence, time, chain hash)
//! ```
//! Refuses: SQL and group commit (storage), events that hold a secret or a token (callers never pass one).

mod canonical;
mod event;
mod format;
mod reading;
mod recorder;
mod service;
mod verify;

pub use crate::generated::types::{AuditAction, AuditOutcome};
pub use canonical::canonical_json;
pub use event::{NewEvent, Randomness, SealedEvent, SystemRandomness};
pub use format::{ChainLink, FORMAT_VERSION, Payload, chain_hash, payload_hash, to_hex};
pub use reading::{Question, Reading, cursor};
pub use recorder::Recorder;
pub use service::{Service, event_answer};
pub use verify::{
    ChainPoint, Slice, Span, Verification, link_holds, payload_holds, verify_chain, verify_slice,
};

//! The flat C ABI over the AgentIdP core: what a language without a Rust bridge of its own loads.
//!
//! Owns: handles, caller's buffers, the completion queue's wire form, and keeping panics inside.
//! Refuses: structs by value, callbacks into the host, memory that one side makes and the other
//! frees, and any knowledge of a single operation - operations are numbers of the table in
//! `include/agentidp_operations.h`, whose checksum a host compares at load.
//!
//! The conventions:
//! - **Integers and pointer + length only**, so that a host without libffi can call everything.
//! - **Text and bytes out** go into the caller's buffer: a function returns the length that it has;
//!   when that is more than the capacity nothing was written and the caller tries again.
//! - **Handles** are freed by the function named `…_free`, once, after the last use on any thread.
//!   All functions but `…_free` may be called from any thread at any time.
//! - **A call** has an id of the caller's choice, unique in its queue while the call is out. Its
//!   end is a completion in the queue, or a successful `agentidp_call_cancel`, never both.

mod client;
mod clock;
mod guard;
mod logs;
mod output;
mod queue;
mod table;
mod verifier;
mod wake;

pub use client::{
    AgentidpClient, agentidp_client_cached_token, agentidp_client_clear_token_cache,
    agentidp_client_close, agentidp_client_error, agentidp_client_explain, agentidp_client_free,
    agentidp_client_id, agentidp_client_new,
};
pub use clock::{
    AGENTIDP_CLOCK_NOBODY, AgentidpClock, agentidp_clock_advance, agentidp_clock_free,
    agentidp_clock_jump_wall, agentidp_clock_new, agentidp_clock_set_random,
    agentidp_clock_sleeping, agentidp_clock_wall,
};
pub use logs::{agentidp_logs_take, agentidp_logs_wake, agentidp_logs_want};
pub use queue::{
    AGENTIDP_COMPLETION_ANSWER, AGENTIDP_COMPLETION_ERROR, AGENTIDP_ID_WITH_METADATA,
    AGENTIDP_QUEUE_CLOSED, AGENTIDP_START_MISUSE, AGENTIDP_START_OK, AGENTIDP_START_UNCONFIGURED,
    AgentidpQueue, agentidp_call_cancel, agentidp_call_start, agentidp_queue_close,
    agentidp_queue_free, agentidp_queue_new, agentidp_queue_pending, agentidp_queue_take,
    agentidp_token_start,
};
pub use table::{
    AGENTIDP_ABI_VERSION, agentidp_abi_version, agentidp_operation_id,
    agentidp_operations_checksum, agentidp_operations_count,
};
pub use verifier::{
    AgentidpVerifier, agentidp_audit_verify, agentidp_verifier_error, agentidp_verifier_free,
    agentidp_verifier_new, agentidp_verify_now, agentidp_verify_start, agentidp_webhook_verify,
};

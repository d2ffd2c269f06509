//! HTTP: generated routes behind one pipeline.
//!
//! ```text
//! request -> gate: request id, log, panic and time limits, security headers
//!         -> authenticate (401) -> rate limit (429) -> policy (403) -> body (408, 413)
//!         -> idempotency (replay, 409) -> generated route -> the section's handler
//!         -> answer: one error type, two envelopes
//! ```
//!
//! [`gate`] is that pipeline, top to bottom. Rules of the product do not belong here.

mod answer;
mod authenticate;
mod documents;
mod facts;
mod gate;
mod headers;
mod inbound;
mod reply;
mod routes;
mod unchecked;

pub use answer::{Answer, error as error_answer};
pub use documents::routes as documents;
pub use facts::{AuthKind, Envelope, Facts};
pub use gate::Gate;
pub use inbound::{BODY_BYTES_MAX, PeerAddress};
pub use reply::Reply;
pub use routes::{Ready, Routes};
pub use unchecked::{BodyShape, RawInput, Unchecked};

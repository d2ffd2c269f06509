//! HTTP: generated routes behind one pipeline.
//!
//! ```text
//! request -> edge: what is logged, measured and counted of it, whatever answers
//!         -> gate: request id, log, panic and time limits, security headers
//!         -> authenticate (401) -> rate limit (429) -> policy (403) -> body (408, 413, 415)
//!         -> idempotency (replay, 409) -> generated route -> the section's handler
//!         -> answer: one error type, two envelopes
//! ```
//!
//! [`gate`] is that pipeline, top to bottom; `admission` its middle. Rules of the product do not belong here.

mod admission;
mod answer;
mod authenticate;
mod cors;
mod documents;
mod edge;
mod exposition;
mod facts;
mod gate;
mod headers;
mod inbound;
mod reply;
mod rest;
mod routes;
mod slots;
mod tls_only;
mod unchecked;

pub use answer::{Answer, error as error_answer, unrouted};
pub use documents::routes as documents;
pub use edge::Edge;
pub use exposition::{PATH as METRICS_PATH, alone as metrics_alone, route as metrics};
pub use facts::{AuthKind, Envelope, Facts};
pub use gate::Gate;
pub use inbound::{BODY_BYTES_MAX, PeerAddress, REQUEST_ID};
pub use reply::Reply;
pub use routes::{Ready, Routes};
pub use slots::Slots;
pub use tls_only::{OverTls, TlsOnly};
pub use unchecked::{BodyShape, RawInput, Unchecked};

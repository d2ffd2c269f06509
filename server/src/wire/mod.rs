//! What generated types are made of: reading untrusted values and collecting every fault, and
//! text that must not show.
//!
//! Owns the rules that hold for every input (no control characters, no unknown or repeated
//! names). Knows no operation and no HTTP.

mod faults;
mod json;
mod object;
mod pattern;
mod query;
pub mod read;
mod secret;

pub use faults::{At, Fault, Faults};
pub use json::parse_json;
pub use object::{Input, Object, Unknown};
pub use pattern::Pattern;
pub use query::{Pairs, decode_component, parse as parse_pairs};
pub use read::{DateOrTimestamp, List, Raw, Text, Word};
pub use secret::Secret;

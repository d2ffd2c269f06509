//! One emitter per target; each knows one language and no operation.

pub mod bundle;
pub mod c;
pub mod conformance;
pub mod core;
pub mod docs;
pub mod go;
pub mod java;
pub mod node;
pub mod python;
pub mod server;

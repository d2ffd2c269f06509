//! Authentication over a real embedded store.

mod clients;
mod tokens;
pub(crate) mod world;

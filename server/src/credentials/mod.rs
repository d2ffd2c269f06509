//! Section credentials: client ids and secrets of agents.

mod guard;

pub use guard::Guard;

//! Turns the contract in `openapi/` into every surface that speaks of an operation.
//!
//! Owns: reading the contract ([`mod@load`]), the typed model of it ([`model`]), one emitter per
//! target ([`emit`]) and writing or checking what they emit ([`output`]).
//! Refuses: anything in the contract that it does not understand, with file and line; and any
//! knowledge of a single operation - an emitter sees operations only through the model.

pub mod emit;
pub mod load;
pub mod model;
pub mod names;
pub mod node;
pub mod output;
pub mod targets;
pub mod writer;

pub use load::load;
pub use model::Contract;
pub use output::{Drift, File};

/// Why the contract could not be turned into code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The contract says something that the generator does not understand.
    #[error("{at}: {message}")]
    Contract {
        /// File and line, `openapi/sections/agents.yaml:12`.
        at: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A formatter that the output needs could not be run, or refused the output.
    #[error("{tool}: {message}")]
    Formatter {
        /// `rustfmt` or `gofmt`.
        tool: &'static str,
        /// What it said.
        message: String,
    },
}

/// The generator's result.
pub type Result<T> = std::result::Result<T, Error>;

//! The generator over small hostile contracts: one binary, one module for each idea.

mod drift;
mod refusals;
mod surfaces;

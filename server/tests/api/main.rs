//! The server's own tests: it runs in this process on a free port, and every answer is validated
//! as raw JSON against the contract by a validator that knows nothing of our types.

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod contract;
mod database;
mod harness;

mod agents;
mod audit;
mod conventions;
mod credentials;
mod health;
mod idempotency;
mod instances;
mod limits;
mod mock;
mod policy;
mod secrets;
mod shutdown;
mod tokens;

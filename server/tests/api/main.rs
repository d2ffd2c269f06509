//! The server's own tests: it runs in this process on a free port, and every answer is validated
//! as raw JSON against the contract by a validator that knows nothing of our types.

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod collector;
mod command;
mod contract;
mod database;
mod harness;

mod agents;
mod audit;
mod backup;
mod bodies;
mod care;
mod conventions;
mod copy;
mod credentials;
mod front;
mod heads;
mod health;
mod idempotency;
mod instances;
mod keys;
mod limits;
mod mock;
mod observed;
mod policy;
mod process;
mod redis;
mod redis_tls;
mod secrets;
mod shutdown;
mod tiers;
mod tokens;
mod traces;
mod upgrade;
mod vault;

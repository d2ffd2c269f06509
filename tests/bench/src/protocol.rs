//! What the referee and a worker say to each other: one JSON object a line.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// One agent.
    Get,
    /// A page of a hundred.
    List,
    /// Nothing: a token of that algorithm is verified.
    Rs256,
    /// The same.
    Es256,
}

/// The first line of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    /// `aiohttp 3.14.5`.
    pub client: String,
    /// `CPython 3.11.7`.
    pub runtime: String,
}

/// One turn.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// What to call.
    pub operation: Operation,
    /// How many calls are out at any time: tasks, or threads of a client that waits.
    pub in_flight: u32,
    /// How many calls in all; a multiple of `in_flight`.
    pub calls: u32,
}

/// What a turn took. A call that fails ends the worker: a failure has no rate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// Wall time, in seconds.
    pub seconds: f64,
    /// User and system time of the worker's process, all threads, in seconds.
    pub cpu: f64,
}

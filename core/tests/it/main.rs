//! The client against servers on loopback, with a clock that the tests own. One binary, so that
//! there is one link step.

mod support;

#[cfg(feature = "bridge")]
mod bridge;
mod changes;
mod deadline;
mod errors;
mod models;
mod pages;
mod request;
mod retry;
mod secrets;
mod token;
mod transport;

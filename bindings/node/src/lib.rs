//! The native part of `@sentryagent/idp-sdk`.
//!
//! Owns: the way of a call from one Node environment (the main thread, or one worker) into the core
//! and of its completion back: [`client`], [`channel`], [`bell`], [`batch`]; what needs no call:
//! [`verifier`]; the way of log records: [`log`]; the clock of tests: [`clock`].
//! Refuses: to know operations (the facade names them by index), to build JavaScript values other
//! than text (`JSON.parse` is faster) and to build error classes (only the facade's own `await`
//! makes a stack that shows the caller).

mod batch;
mod bell;
mod channel;
mod client;
mod clock;
mod log;
mod text;
mod verifier;

//! Reads the conformance cases once and drives every language's runner through all of them,
//! against the real server and a scripted one.
//!
//! Owns: the cases' format, the scripted server, the judging. Refuses: any knowledge of a
//! language; a runner is a program that speaks the protocol of [`runner`]. The leak check drives
//! the same runners.

pub mod authority;
pub mod case;
pub mod coverage;
pub mod http1;
pub mod issuer;
pub mod judge;
pub mod line;
pub mod matrix;
pub mod pattern;
pub mod real;
pub mod runner;
pub mod scripted;
pub mod steps;
pub mod threads;
pub mod transcript;
pub mod unknown;
pub mod verbs;
pub mod webhook;

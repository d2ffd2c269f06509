//! Section health.

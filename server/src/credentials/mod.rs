//! Section credentials.

//! Access tokens, verified without a call.

#[cfg(feature = "bridge")]
mod bridge;
mod cache;
mod issuer;
mod revocation;
mod source;
mod verdict;

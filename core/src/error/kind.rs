//! Kinds and codes of errors.

/// Codes of errors that arise in the SDK itself.
pub mod codes {
    /// No answer came.
    pub const CONNECTION_ERROR: &str = "CONNECTION_ERROR";
    /// The call's deadline passed.
    pub const TIMEOUT: &str = "TIMEOUT";
    /// The caller gave up.
    pub const CANCELLED: &str = "CANCELLED";
    /// The client was set up wrongly.
    pub const CONFIGURATION_ERROR: &str = "CONFIGURATION_ERROR";
    /// The client was closed.
    pub const CLIENT_CLOSED: &str = "CLIENT_CLOSED";
    /// The answer is not what the contract says.
    pub const DECODING_ERROR: &str = "DECODING_ERROR";
    /// An argument was refused before a request was made.
    pub const VALIDATION_ERROR: &str = "VALIDATION_ERROR";
    /// A token does not hold; `details.reason` says why.
    pub const INVALID_TOKEN: &str = "INVALID_TOKEN";
    /// A token holds but lacks a scope; `details.requiredScopes` are those that are needed.
    pub const INSUFFICIENT_SCOPE: &str = "INSUFFICIENT_SCOPE";
    /// A webhook does not hold; `details.reason` says why.
    pub const INVALID_WEBHOOK: &str = "INVALID_WEBHOOK";
}

/// What a caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client's credentials or token are not accepted.
    Authentication,
    /// The identity is known but may not do this.
    Permission,
    /// There is no such thing, or it is another organization's.
    NotFound,
    /// The state does not allow it.
    Conflict,
    /// The request is wrong; see [`details`](crate::Error::details).
    Validation,
    /// Too many requests; see [`retry_after`](crate::Error::retry_after).
    RateLimit,
    /// The server failed.
    Server,
    /// No answer came.
    Connection,
    /// The answer did not come in time.
    Timeout,
    /// The caller gave up.
    Cancelled,
    /// The client is set up wrongly, or closed.
    Configuration,
    /// The answer is not what the contract says.
    Decoding,
}

impl ErrorKind {
    /// `not_found`: the kind as all languages spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Validation => "validation",
            Self::RateLimit => "rate_limit",
            Self::Server => "server",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Configuration => "configuration",
            Self::Decoding => "decoding",
        }
    }
}

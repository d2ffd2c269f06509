//! What verification says when it refuses.
//!
//! Owns: the reasons and their errors. Refuses: the token - no part of it is ever in a message.

use serde_json::json;

use crate::{Error, ErrorKind, codes};

/// Why a token is refused; `details.reason` of the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is no JWT that this SDK reads.
    Malformed,
    /// Its algorithm is not one of those that are accepted.
    Algorithm,
    /// It is a JWT of another kind.
    Type,
    /// The issuer has no such key.
    UnknownKey,
    /// The signature is not the key's.
    Signature,
    /// Somebody else issued it.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// The issuer has ended it.
    Revoked,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
        }
    }
}

/// The token is refused. `message` is a constant or made of numbers: never of the token.
pub(super) fn invalid(reason: Reason, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Authentication, codes::INVALID_TOKEN, message)
        .with_details(Some(json!({ "reason": reason.as_str() })))
        .with_oauth_error(Some("invalid_token".to_owned()))
}

pub(super) fn malformed(message: &'static str) -> Error {
    invalid(Reason::Malformed, message)
}

pub(super) fn unknown_key() -> Error {
    invalid(
        Reason::UnknownKey,
        "the token is signed with a key that the issuer does not publish",
    )
}

/// The token holds but may not do this.
pub(super) fn insufficient_scope(required: &[&str]) -> Error {
    Error::new(
        ErrorKind::Permission,
        codes::INSUFFICIENT_SCOPE,
        format!("the token lacks a scope: {} needed", required.join(" ")),
    )
    .with_details(Some(json!({ "requiredScopes": required })))
    .with_oauth_error(Some("insufficient_scope".to_owned()))
}

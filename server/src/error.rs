//! The one error of the server.
//!
//! An [`ApiError`] has a public half - code, message, details, hints for headers - and an internal
//! cause that goes to the log and nowhere else. How it is written (which envelope, which headers)
//! is `http`'s business; a section only says which code it is.

use std::{borrow::Cow, fmt, time::Duration};

use serde_json::{Map, Value, json};

use crate::{generated::codes::Code, storage::StorageError, wire::Faults};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error answer in the making.
pub struct ApiError(Box<Inner>);

struct Inner {
    code: Code,
    message: Cow<'static, str>,
    details: Map<String, Value>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
    without_token: bool,
    encoded: bool,
}

impl ApiError {
    /// That code with its usual message.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            message: Cow::Borrowed(usual_message(code)),
            details: Map::new(),
            retry_after: None,
            cause: None,
            without_token: false,
            encoded: false,
        }))
    }

    /// Another public message: for people, one sentence, nothing internal.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// One more member of `details`.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// When it makes sense to try again: the `Retry-After` header, in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// What really happened: logged with the request id, never answered.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// 401 for a request that presents no token at all: RFC 6750 wants no error in its challenge.
    pub fn no_token() -> Self {
        let mut error = Self::new(Code::Unauthorized);
        error.0.without_token = true;
        error
    }

    /// 415 for a body behind a content coding, compressed for example. The answer says which would do (RFC 9110 section 15.5.16).
    pub fn encoded() -> Self {
        let mut error = Self::new(Code::UnsupportedMediaType).message(
            "Content-Encoding is not supported: send the body as it is, without that header.",
        );
        error.0.encoded = true;
        error
    }

    /// 500: something that must not happen.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::new(Code::InternalServerError).caused_by(cause)
    }

    /// 503: a store is away.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::new(Code::ServiceUnavailable)
            .retry_after(Duration::from_secs(1))
            .caused_by(cause)
    }

    /// What a store answered; `missing` is what its `NotFound` means here.
    pub fn storage(error: StorageError, missing: Code) -> Self {
        let code = match &error {
            StorageError::NotFound => missing,
            StorageError::RoleRequired => Code::Forbidden,
            StorageError::EmailTaken => Code::AgentAlreadyExists,
            StorageError::AlreadyDecommissioned => Code::AgentAlreadyDecommissioned,
            StorageError::AgentNotActive => Code::AgentNotActive,
            StorageError::AgentLimit { tier, max } => {
                let message = format!("The {} tier allows {max} agents.", tier.as_str());
                return Self::new(Code::FreeTierLimitExceeded)
                    .message(message)
                    .detail("tier", tier.as_str())
                    .detail("limit", *max);
            }
            StorageError::LastAdmin => Code::LastAdmin,
            StorageError::CredentialLimit => Code::CredentialLimitReached,
            StorageError::CredentialAlreadyRevoked => Code::CredentialAlreadyRevoked,
            StorageError::ClaimLost => {
                return Self::new(Code::IdempotencyConflict).message(
                    "Another request with this idempotency key took over; repeat it to get its answer.",
                );
            }
            StorageError::Unavailable(_) => return Self::unavailable(error),
            StorageError::Conflict | StorageError::Corrupt(_) => return Self::internal(error),
        };
        Self::new(code)
    }

    /// 400 with every fault.
    pub fn validation(faults: &Faults) -> Self {
        let errors: Vec<Value> = faults
            .iter()
            .map(|f| json!({"field": f.field, "reason": f.reason}))
            .collect();
        let mut error = Self::new(Code::ValidationError);
        let mut all = faults.iter();
        match (all.next(), all.next()) {
            (Some(only), None) => {
                error = error
                    .message(format!("{} {}.", only.field, only.reason))
                    .detail("field", only.field.clone())
                    .detail("reason", only.reason.clone());
            }
            (Some(_), Some(_)) => {
                let named: Vec<String> = faults
                    .iter()
                    .map(|f| format!("{} {}", f.field, f.reason))
                    .collect();
                error = error.message(format!("{}.", named.join("; ")));
            }
            (None, _) => {}
        }
        error.detail("errors", errors)
    }

    /// 400 for one field.
    pub fn invalid(field: &str, reason: &str) -> Self {
        let mut faults = Faults::default();
        faults.add(field, reason);
        Self::validation(&faults)
    }

    /// Which error it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The public message.
    pub fn public_message(&self) -> &str {
        &self.0.message
    }

    /// The public details; empty when there are none.
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// See [`ApiError::retry_after`].
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// See [`ApiError::no_token`].
    pub fn is_without_token(&self) -> bool {
        self.0.without_token
    }

    /// See [`ApiError::encoded`].
    pub fn is_encoded(&self) -> bool {
        self.0.encoded
    }

    /// What really happened, for the log.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.0.cause.as_deref()
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("details", &self.0.details)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)
    }
}

impl std::error::Error for ApiError {}

/// What the answer says when the section does not say it better: the contract's description of
/// the code, except where that speaks of several cases at once.
fn usual_message(code: Code) -> &'static str {
    match code {
        Code::ValidationError => "The request is not valid.",
        Code::Unauthorized => "The access token is missing or not valid.",
        Code::AgentNotFound => "Agent not found.",
        Code::CredentialNotFound => "Credential not found.",
        Code::AuditEventNotFound => "Audit event not found.",
        Code::OrgNotFound => "Organization not found.",
        Code::InvalidClient => "Client authentication failed.",
        Code::RequestTimeout => "The request took too long.",
        Code::InternalServerError => "Something failed on our side; quote the request id.",
        Code::ServiceUnavailable => "The service is not available; retry later.",
        Code::RateLimitExceeded => "Too many requests; see Retry-After.",
        other => other.description(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_fault_is_also_named_directly() {
        let one = ApiError::invalid("email", "is required");
        assert_eq!(one.public_message(), "email is required.");
        assert_eq!(one.details()["field"], "email");
        assert_eq!(one.details()["errors"][0]["reason"], "is required");

        let mut faults = Faults::default();
        faults.add("email", "is required");
        faults.add("owner", "must not be empty");
        let two = ApiError::validation(&faults);
        assert_eq!(
            two.public_message(),
            "email is required; owner must not be empty."
        );
        assert!(!two.details().contains_key("field"));
        assert_eq!(two.details()["errors"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn the_cause_is_not_part_of_what_people_see() {
        let error = ApiError::internal("SELECT secret FROM t");
        assert!(!error.to_string().contains("SELECT"));
        assert!(error.cause().is_some());
    }
}

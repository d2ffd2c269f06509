//! What the call path needs to know of an operation. The table itself is generated.
//!
//! Owns: the vocabulary of the generated table.
//! Refuses: any operation by name.

use std::any::Any;

use crate::{generated::operations, shape::Shape};

/// One operation of the contract.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operation {
    /// Place in the table, in the contract's order.
    pub index: u32,
    /// Its name in the contract: camelCase.
    pub id: &'static str,
    /// The section it belongs to.
    pub section: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path with `{placeholders}`.
    pub path: &'static str,
    pub(crate) segments: &'static [Segment],
    /// Who may call it.
    pub auth: Auth,
    pub(crate) envelope: Envelope,
    #[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings look at it
    pub(crate) takes_query: bool,
    pub(crate) body: Option<Body>,
    pub(crate) answers: &'static [Answer],
    /// Carries an `Idempotency-Key`.
    pub idempotency_key: bool,
    /// May be repeated after a failure that left its outcome open.
    pub retry_safe: bool,
    /// Request or answer holds a secret.
    pub sensitive: bool,
    /// How its list goes on, when it is one.
    pub paging: Option<Paging>,
}

/// Every operation; `index` is the place.
#[must_use]
pub fn operations() -> &'static [Operation] {
    &operations::ALL
}

/// A part of a path.
#[derive(Debug)]
pub(crate) enum Segment {
    /// As it stands.
    Text(&'static str),
    /// The caller's value, percent-encoded.
    Param(&'static str),
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Nobody is asked.
    Public,
    /// A bearer token with these scopes.
    Bearer(&'static [&'static str]),
    /// The client's id and secret in the form.
    Client,
    /// A bearer token with these scopes; the server would take client authentication as well.
    BearerOrClient(&'static [&'static str]),
}

impl Auth {
    /// The SDK sends a token.
    #[must_use]
    pub fn is_bearer(self) -> bool {
        matches!(self, Self::Bearer(_) | Self::BearerOrClient(_))
    }
}

/// The error envelope of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// `{code, message, details?}`.
    Standard,
    /// `{error, error_description, code}`.
    OAuth,
}

/// A request body.
#[derive(Debug)]
pub(crate) struct Body {
    pub kind: BodyKind,
    pub required: bool,
    pub defaults: &'static [Default],
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Json,
    Form,
}

/// A field that is filled in when the caller leaves it out.
#[derive(Debug)]
pub(crate) struct Default {
    pub field: &'static str,
    pub source: DefaultSource,
}

/// With what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultSource {
    Value(&'static str),
    ClientId,
    ClientSecret,
}

/// An answer that is a value.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// `None`: the answer has no body.
    pub decoder: Option<Decoder>,
}

/// A model behind `Any`.
pub(crate) type Typed = Result<Box<dyn Any + Send>, serde_json::Error>;

/// Two ways to look at a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    /// Builds the model.
    #[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings look at it
    pub typed: fn(&[u8]) -> Typed,
    /// Only checks.
    #[cfg_attr(not(feature = "bridge"), allow(dead_code))] // bindings look at it
    pub shape: &'static Shape,
}

/// How a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// The query's `page` counts up.
    Page,
    /// The answer's `nextCursor` becomes the query's `cursor`.
    Cursor,
}

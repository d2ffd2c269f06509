//! What the pipeline must know of an operation: generated, never typed by hand.

/// An operation of the contract.
#[derive(Debug)]
pub struct Facts {
    /// The operation's name.
    pub id: &'static str,
    /// `GET`.
    pub method: &'static str,
    /// The whole path with `{placeholders}`.
    pub path: &'static str,
    /// More paths with the same handler.
    pub aliases: &'static [&'static str],
    /// The path as policies, metrics and logs spell it: `/api/v1/agents/:id`.
    pub route: &'static str,
    /// Who may call.
    pub auth: AuthKind,
    /// How errors are written.
    pub envelope: Envelope,
    /// The body is read.
    pub has_body: bool,
    /// `Idempotency-Key` is honoured.
    pub idempotency_key: bool,
    /// Answered with `no-store`.
    pub sensitive: bool,
    /// A limit of its own, in calls a minute for each client, beside the general one.
    pub rate_limit_per_minute: Option<u32>,
    /// The usual status.
    pub success: u16,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// Anybody; not counted against a rate limit.
    Public,
    /// A bearer token that the policy allows.
    Bearer,
    /// A client that the handler authenticates: the token endpoint.
    Client,
    /// A bearer token, or a client's own credentials.
    BearerOrClient,
}

/// How errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// `{code, message, details?}`.
    Standard,
    /// `{error, error_description, code}` (RFC 6749 section 5.2).
    OAuth,
}

//! The contract as the emitters see it: sections, operations, models, enums - all names as the
//! contract spells them, all references resolved, nothing language specific.

use serde_json::Value;

use crate::node::At;

/// The whole contract.
#[derive(Clone, Debug)]
pub struct Contract {
    /// `info.title`.
    pub title: String,
    /// `info.version`: the version of the API, not of a package.
    pub version: String,
    /// Sections in the order of `agentidp.yaml`.
    pub sections: Vec<Section>,
    /// Object schemas, in the order of the files.
    pub models: Vec<Model>,
    /// String enumerations, in the order of the files.
    pub enums: Vec<Enum>,
    /// Every error code of the contract.
    pub error_codes: Vec<ErrorCode>,
    /// Every scope that a token can carry, with its meaning.
    pub scopes: Vec<(String, String)>,
    /// The whole contract as one OpenAPI document.
    pub bundle: Value,
}

impl Contract {
    /// Every operation of every section.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.sections.iter().flat_map(|s| &s.operations)
    }

    /// The model of that name. The loader has checked that every reference resolves.
    pub fn model(&self, name: &str) -> &Model {
        self.models
            .iter()
            .find(|m| m.name == name)
            .unwrap_or_else(|| unreachable!("the loader resolved {name}"))
    }

    /// The enum of that name.
    pub fn enumeration(&self, name: &str) -> &Enum {
        self.enums
            .iter()
            .find(|m| m.name == name)
            .unwrap_or_else(|| unreachable!("the loader resolved {name}"))
    }
}

/// One section: a tag, a contract file, a service class.
#[derive(Clone, Debug)]
pub struct Section {
    /// `agents`.
    pub name: String,
    /// One paragraph.
    pub description: String,
    /// The service's class name in each language.
    pub service: ServiceNames,
    /// In the order of the file.
    pub operations: Vec<Operation>,
}

/// `x-sdk.service` of a tag: what users already call the section's client.
#[derive(Clone, Debug)]
pub struct ServiceNames {
    /// `AgentRegistryClient`; Python also has an `Async…` twin.
    pub node: String,
    /// Usually the same as in Node.
    pub python: String,
    /// `AgentsClient`.
    pub go: String,
    /// `AgentServiceClient`.
    pub java: String,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `registerAgent`.
    pub id: String,
    /// The section's name.
    pub section: String,
    /// `GET`, `POST`, `PATCH`, `PUT` or `DELETE`.
    pub method: String,
    /// Whole path with `{placeholders}`: `/api/v1/agents/{agentId}`.
    pub path: String,
    /// More paths that the server answers with the same handler (`x-sdk.aliases`).
    pub aliases: Vec<String>,
    /// One line.
    pub summary: String,
    /// Paragraphs.
    pub description: String,
    /// Who may call it.
    pub auth: Auth,
    /// Which error envelope it answers.
    pub envelope: Envelope,
    /// In the order of the path; always required, always positional.
    pub path_params: Vec<Field>,
    /// Name of the model that holds the query parameters: `ListAgentsParams`.
    pub query: Option<String>,
    /// The request body.
    pub body: Option<Body>,
    /// Every answer that is a value for the caller: the 2xx ones and those named in
    /// `x-sdk.statusValues`. The first is the usual one.
    pub answers: Vec<Answer>,
    /// Every answer that is an error.
    pub errors: Vec<ErrorAnswer>,
    /// The SDK sends an `Idempotency-Key` of its own making, the same on each try.
    pub idempotency_key: bool,
    /// May be repeated after a failure: by method, by key, or because the contract says so.
    pub retry_safe: bool,
    /// How the list goes on, when it is one.
    pub paging: Option<Paging>,
    /// Request or answer holds a secret: `no-store`, never logged.
    pub sensitive: bool,
    /// Answers whether a token is live (RFC 7662): verifiers ask it (`x-sdk.introspection`).
    pub introspection: bool,
    /// Calls a minute that one client may make, beside the general limit
    /// (`x-rate-limit-per-minute`); at least 1. `None`: the general limit alone.
    pub rate_limit_per_minute: Option<u32>,
    /// An example of the whole answer, when the contract has one.
    pub example: Option<Value>,
    /// Where it stands.
    pub at: At,
}

impl Operation {
    /// The usual answer's model; `None` when the answer is empty.
    pub fn result(&self) -> Option<&str> {
        self.answers[0].model.as_deref()
    }
}

/// Who may call an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Nobody is asked.
    Public,
    /// A bearer token with all of these scopes (none: any valid token).
    Bearer(Vec<String>),
    /// Client authentication in the form or by HTTP Basic: the token endpoint.
    Client,
    /// A bearer token with these scopes, or client authentication: introspect and revoke.
    BearerOrClient(Vec<String>),
}

/// Which error envelope an operation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// `{code, message, details?}`.
    Standard,
    /// `{error, error_description, code}` (RFC 6749 section 5.2).
    OAuth,
}

/// A request body.
#[derive(Clone, Debug)]
pub struct Body {
    /// Name of the model.
    pub model: String,
    /// JSON or a form.
    pub kind: BodyKind,
    /// The request must have a body.
    pub required: bool,
    /// Fields of the body that the SDK takes as positional arguments (`x-sdk.positional`).
    pub positional: Vec<String>,
    /// Every field that is not positional is optional: the SDK's argument may be left out.
    pub all_optional: bool,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// An answer that is a value.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub description: String,
    /// Name of the model; `None` for an empty answer.
    pub model: Option<String>,
}

/// An answer that is an error.
#[derive(Clone, Debug)]
pub struct ErrorAnswer {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub description: String,
    /// The codes that its body may carry.
    pub codes: Vec<String>,
}

/// How a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// The field of the answer that holds the items: `data`.
    pub items: String,
    /// Name of the items' model: `Agent`.
    pub item_model: String,
    /// By `page` and `limit`, or by `cursor`.
    pub style: PagingStyle,
}

/// How the next page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagingStyle {
    /// The query's `page` counts up until `page * limit >= total`.
    Page,
    /// The answer's `nextCursor` goes into the query's `cursor`; absent on the last page.
    Cursor,
}

/// An object schema.
#[derive(Clone, Debug)]
pub struct Model {
    /// `Agent`, `RegisterAgentRequest`, `ListAgentsParams`.
    pub name: String,
    /// Paragraphs.
    pub description: String,
    /// How it is used; a model may be both input and output.
    pub usage: Usage,
    /// In the order of the contract.
    pub fields: Vec<Field>,
    /// At least this many fields must be given (`minProperties`).
    pub min_properties: usize,
    /// An example, when the contract has one.
    pub example: Option<Value>,
    /// Where it stands.
    pub at: At,
}

/// Where a model occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// In a JSON request body, or inside one.
    pub body: bool,
    /// As a form body.
    pub form: bool,
    /// As query parameters.
    pub query: bool,
    /// In an answer, or inside one.
    pub output: bool,
}

impl Usage {
    /// The caller builds it.
    pub fn input(self) -> bool {
        self.body || self.form || self.query
    }
}

/// A field of a model, or a parameter.
#[derive(Clone, Debug)]
pub struct Field {
    /// As on the wire: `agentId`, `client_id`.
    pub name: String,
    /// Paragraphs.
    pub description: String,
    /// Its type.
    pub ty: Type,
    /// Always there (in an answer), or must be given (in a request). A field of a request that
    /// the SDK fills in itself is not required here even where the wire needs it.
    pub required: bool,
    /// The wire needs it; differs from `required` only where `sdk_default` is set.
    pub wire_required: bool,
    /// May be JSON null.
    pub nullable: bool,
    /// What the server assumes when it is absent.
    pub default: Option<Value>,
    /// What the SDK sends when the caller gives nothing (`x-sdk.default`).
    pub sdk_default: Option<SdkDefault>,
    /// A query parameter that is another name of this one: `startDate` for `fromDate`.
    pub alias_of: Option<String>,
    /// Limits that the server checks.
    pub limits: Limits,
    /// Holds a secret: masked in every repr, log and error.
    pub secret: bool,
    /// An example, when the contract has one.
    pub example: Option<Value>,
    /// Where it stands.
    pub at: At,
}

/// What the SDK sends for a field that the caller leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdkDefault {
    /// This value.
    Value(String),
    /// The client's own `client_id`.
    ClientId,
    /// The client's own `client_secret`.
    ClientSecret,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// An id (RFC 9562).
    Uuid,
    /// RFC 3339, UTC, milliseconds.
    DateTime,
    /// In a query: RFC 3339 date-time or a date alone; stays text in the SDKs' parameters.
    DateOrDateTime,
    /// 64-bit signed.
    Integer,
    /// 64-bit floating point.
    Number,
    /// true or false.
    Boolean,
    /// An open enum by name.
    Enum(String),
    /// A model by name.
    Model(String),
    /// A list.
    List(Box<Type>),
    /// An object with free keys.
    Map(Box<Type>),
    /// Any JSON.
    Any,
}

/// What the server checks beyond the type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Characters.
    pub min_length: Option<u64>,
    /// Characters.
    pub max_length: Option<u64>,
    /// ECMA-262 and Rust `regex` alike, anchored.
    pub pattern: Option<String>,
    /// What the pattern means, in words: the reason in a validation error (`x-pattern-message`).
    pub pattern_message: Option<String>,
    /// Inclusive.
    pub minimum: Option<i64>,
    /// Inclusive.
    pub maximum: Option<i64>,
    /// Of a list.
    pub min_items: Option<u64>,
    /// Of a list.
    pub max_items: Option<u64>,
    /// Of a list: no item twice.
    pub unique_items: bool,
    /// `email`, `uri`: checked by the server beyond the pattern.
    pub format: Option<String>,
    /// Limits of a list's items or a map's values.
    pub items: Option<Box<Limits>>,
}

/// A string enumeration.
#[derive(Clone, Debug)]
pub struct Enum {
    /// `AgentStatus`.
    pub name: String,
    /// Paragraphs.
    pub description: String,
    /// Wire value and meaning.
    pub values: Vec<(String, String)>,
    /// Where it stands.
    pub at: At,
}

/// An error code of the contract (`x-error-codes` of the root file).
#[derive(Clone, Debug)]
pub struct ErrorCode {
    /// `AGENT_NOT_FOUND`, or `invalid_client` on OAuth endpoints.
    pub code: String,
    /// HTTP status.
    pub status: u16,
    /// When it is answered.
    pub description: String,
    /// An RFC 6749 `error` value rather than a code of ours.
    pub oauth: bool,
}

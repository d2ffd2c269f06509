//! Names in TypeScript: what the language, its globals and our own surface have taken is avoided.

use crate::{
    model::{Contract, Model, Section},
    names,
};

/// Classes and values that the hand-written part exports.
pub const VALUES: &[&str] = &[
    "AbortError",
    "AgentIdPError",
    "ApiConnectionError",
    "ApiTimeoutError",
    "AuthenticationError",
    "ConfigurationError",
    "ConflictError",
    "DecodingError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "TokenManager",
    "TokenVerifier",
    "ValidationError",
    "verifyAuditEvents",
    "verifyWebhook",
];

/// Types that the hand-written part exports.
pub const TYPES: &[&str] = &[
    "AgentIdPClientConfig",
    "ApiResponse",
    "CallOptions",
    "ConfigurationReport",
    "ErrorInit",
    "ErrorKind",
    "ErrorRecord",
    "FieldError",
    "HeadersLike",
    "Json",
    "LogFields",
    "LogMethod",
    "Logger",
    "Model",
    "TokenManagerConfig",
    "TokenVerifierConfig",
    "VerifiedToken",
    "VerifyOptions",
    "VerifyWebhookOptions",
    "WithResponse",
];

/// Names that generated code itself uses, from the language or from our base classes.
const USED: &[&str] = &[
    "AgentIdPClient",
    "Array",
    "AsyncGenerator",
    "ClientBase",
    "Date",
    "Error",
    "Function",
    "JSON",
    "Map",
    "Number",
    "Object",
    "Omit",
    "Promise",
    "Readonly",
    "ReadonlyArray",
    "Record",
    "Service",
    "Set",
    "String",
    "Symbol",
];

/// Words that cannot name a parameter or a variable in strict code.
const RESERVED: &[&str] = &[
    "arguments",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "of",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Members that a method may not shadow: the base class's, and `then`, which would make it a thenable.
const MEMBERS: &[&str] = &["constructor", "send", "then", "toString", "withResponse"];

/// Members of the client that a section may not shadow.
const CLIENT_MEMBERS: &[&str] = &[
    "clearTokenCache",
    "close",
    "constructor",
    "explainConfiguration",
    "then",
];

/// Arguments that every method may have.
pub const BODY: &str = "request";
/// See [`BODY`].
pub const QUERY: &str = "params";
/// See [`BODY`].
pub const OPTIONS: &str = "options";

/// The TypeScript name of a model or an enum.
pub fn type_name(contract: &Contract, name: &str) -> String {
    let taken = |candidate: &str| {
        VALUES.contains(&candidate)
            || TYPES.contains(&candidate)
            || USED.contains(&candidate)
            || contract
                .sections
                .iter()
                .any(|s| s.service.node == candidate)
    };
    let known = |candidate: &str| {
        contract.models.iter().any(|m| m.name == candidate)
            || contract.enums.iter().any(|e| e.name == candidate)
    };
    let mut out = name.to_owned();
    while taken(&out) || (out != name && known(&out)) {
        out.push_str("Model");
    }
    out
}

/// A parameter for a field of that wire name.
pub fn parameter(wire: &str) -> String {
    let name = names::camel(wire);
    if RESERVED.contains(&name.as_str())
        || [BODY, QUERY, OPTIONS].contains(&name.as_str())
        || !is_identifier(&name)
    {
        format!("{name}_")
    } else {
        name
    }
}

/// A method for an operation.
pub fn method(id: &str) -> String {
    if MEMBERS.contains(&id) {
        format!("{id}_")
    } else {
        id.to_owned()
    }
}

/// The client's member for a section.
pub fn section_member(section: &Section) -> String {
    let name = names::camel(&section.name);
    if CLIENT_MEMBERS.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// A property's key as it is written in a type or a literal.
pub fn key(wire: &str) -> String {
    if is_identifier(wire) {
        wire.to_owned()
    } else {
        quoted(wire)
    }
}

/// `: value`, or nothing where the key and the variable have the same name.
pub fn entry(wire: &str, variable: &str) -> String {
    if wire == variable {
        wire.to_owned()
    } else {
        format!("{}: {variable}", key(wire))
    }
}

/// A text literal in single quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// The member of an enum's constant object, beside those that are taken already.
pub fn enum_member(value: &str, taken: &[String]) -> String {
    let mut name = names::pascal(value);
    if name.is_empty() {
        name = if value == "*" { "All" } else { "Empty" }.to_owned();
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    while taken.contains(&name) || !is_identifier(&name) {
        name.retain(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
        name.push('_');
    }
    name
}

/// Models that any operation uses.
pub fn used(contract: &Contract) -> impl Iterator<Item = &Model> {
    contract
        .models
        .iter()
        .filter(|m| m.usage.input() || m.usage.output)
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

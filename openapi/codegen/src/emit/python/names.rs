//! Names as Python spells them, clear of Python's words and of those that the package itself
//! puts beside them.

use crate::{model::Enum, names};

/// Python's keywords, the soft ones that start statements included.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// What a model already has, and types that stubs write inside its class.
const MODEL_MEMBERS: &[&str] = &[
    "bool",
    "datetime",
    "dict",
    "extra",
    "float",
    "from_dict",
    "from_json",
    "int",
    "list",
    "mro",
    "options",
    "params",
    "property",
    "replace",
    "self",
    "str",
    "to_dict",
    "to_json",
];

/// What a service or a client already has.
const SERVICE_MEMBERS: &[&str] = &[
    "clear_token_cache",
    "close",
    "explain_configuration",
    "self",
    "token_manager",
];

/// Classes that the package and the stubs name themselves.
const CLASSES: &[&str] = &[
    "AgentIdPClient",
    "AgentIdPError",
    "Any",
    "ApiConnectionError",
    "ApiTimeoutError",
    "AsyncAgentIdPClient",
    "AsyncIterator",
    "AsyncService",
    "AsyncServices",
    "AsyncTokenManager",
    "AsyncTokenVerifier",
    "AuthenticationError",
    "CallOptions",
    "ClassVar",
    "ConfigurationError",
    "ConflictError",
    "DecodingError",
    "False",
    "Hidden",
    "Iterator",
    "Mapping",
    "Model",
    "None",
    "NotFoundError",
    "OpenEnum",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseInfo",
    "Self",
    "Sequence",
    "ServerError",
    "Service",
    "Services",
    "TokenManager",
    "TokenVerifier",
    "True",
    "ValidationError",
    "VerifiedToken",
];

fn snake(name: &str, taken: &[&str]) -> String {
    let mut snake = names::snake(name);
    if snake.is_empty() || snake.starts_with(|c: char| c.is_ascii_digit()) {
        snake.insert(0, 'n');
    }
    if KEYWORDS.contains(&snake.as_str()) || taken.contains(&snake.as_str()) {
        snake.push('_');
    }
    snake
}

/// A model's field: `agent_id`, `from_`.
pub fn field(name: &str) -> String {
    snake(name, MODEL_MEMBERS)
}

/// An operation: `get_agent`.
pub fn method(id: &str) -> String {
    snake(id, SERVICE_MEMBERS)
}

/// A section, as the client's attribute and as a module: `agents`.
pub fn attribute(section: &str) -> String {
    snake(section, SERVICE_MEMBERS)
}

/// A model or an enum: `Agent`.
pub fn class(name: &str) -> String {
    let mut class = names::pascal(name);
    if CLASSES.contains(&class.as_str()) {
        class.push_str("Model");
    }
    class
}

/// The constants of an enum, in its order: `ACTIVE`, `N404`, and `X_2` where two values would
/// get the same name.
pub fn constants(enumeration: &Enum) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for (value, _) in &enumeration.values {
        let mut name = names::screaming(value);
        if name.is_empty() {
            name = "OTHER".into();
        } else if name.starts_with(|c: char| c.is_ascii_digit()) {
            name.insert(0, 'N');
        }
        let same = |candidate: &String| taken.contains(candidate);
        if same(&name) {
            let free = (2_usize..)
                .map(|n| format!("{name}_{n}"))
                .find(|c| !same(c));
            name = free.unwrap_or(name);
        }
        taken.push(name);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_taken_get_a_suffix() {
        assert_eq!(field("from"), "from_");
        assert_eq!(field("toDict"), "to_dict_");
        assert_eq!(field("2fa"), "n2fa");
        assert_eq!(method("import"), "import_");
        assert_eq!(attribute("close"), "close_");
        assert_eq!(class("validationError"), "ValidationErrorModel");
    }
}

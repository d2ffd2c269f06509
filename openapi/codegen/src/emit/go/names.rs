//! Go's spelling of the contract's names: initialisms, reserved words, and no name twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::Contract,
    names::{capital, words},
};

/// Words that Go writes in one case.
const INITIALISMS: &[&str] = &[
    "acl", "api", "ascii", "cpu", "css", "did", "dns", "eof", "guid", "html", "http", "https",
    "id", "ip", "json", "jwk", "jwks", "jwt", "oidc", "qps", "ram", "rpc", "sla", "smtp", "sql",
    "ssh", "tcp", "tls", "ttl", "udp", "ui", "uid", "uri", "url", "utf8", "uuid", "vm", "xml",
    "xmpp", "xsrf", "xss",
];

/// Keywords, and the names that generated functions use themselves.
const RESERVED: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
    "ctx",
    "opts",
    "w",
    "s",
    "body",
    "params",
    "context",
    "error",
    "nil",
    "string",
    "object",
    "iter",
    "wire",
    "yield",
    "query",
    "page",
    "err",
    "more",
    "bool",
    "any",
    "a",
    "c",
    "agentidp",
    "int",
    "time",
    "arguments",
    "invoke",
    "execute",
    "len",
    "field",
    "items",
    "optional",
    "required",
    "value",
];

/// Exported names of the hand-written files of the package.
const HAND_WRITTEN: &[&str] = &[
    "AgentIdPClient",
    "AgentIdPClientConfig",
    "AgentIdPError",
    "CallOption",
    "CodeCancelled",
    "CodeClientClosed",
    "CodeConfigurationError",
    "CodeConnectionError",
    "CodeDecodingError",
    "CodeInsufficientScope",
    "CodeInvalidToken",
    "CodeInvalidWebhook",
    "CodeTimeout",
    "ConfigurationValue",
    "ErrAuthentication",
    "ErrCancelled",
    "ErrConfiguration",
    "ErrConflict",
    "ErrConnection",
    "ErrDecoding",
    "ErrNotFound",
    "ErrPermission",
    "ErrRateLimit",
    "ErrServer",
    "ErrTimeout",
    "ErrValidation",
    "ErrorKind",
    "FieldError",
    "FlushLogs",
    "KindAuthentication",
    "KindCancelled",
    "KindConfiguration",
    "KindConflict",
    "KindConnection",
    "KindDecoding",
    "KindNotFound",
    "KindPermission",
    "KindRateLimit",
    "KindServer",
    "KindTimeout",
    "KindValidation",
    "LevelTrace",
    "ManualClock",
    "NewAgentIdPClient",
    "NewManualClock",
    "NewTokenManager",
    "NewTokenVerifier",
    "Null",
    "Nullable",
    "Ptr",
    "Response",
    "ResponseHeader",
    "TokenManager",
    "TokenVerifier",
    "TokenVerifierConfig",
    "Value",
    "VerifiedToken",
    "VerifyAuditEvents",
    "VerifyWebhook",
    "WebhookOption",
    "WithConnectTimeout",
    "WithHeader",
    "WithIdempotencyKey",
    "WithRequestID",
    "WithResponse",
    "WithRetries",
    "WithTimeout",
    "WithTraceparent",
    "WithWebhookSecrets",
    "WithWebhookTime",
    "WithWebhookTolerance",
];

/// Methods and fields that every model has; a field of the contract may not take their names.
const MODEL_MEMBERS: &[&str] = &[
    "Extra",
    "Format",
    "GoString",
    "LogValue",
    "MarshalJSON",
    "String",
    "UnmarshalJSON",
    "WireJSON",
];

/// Gives each name once; a second one gets a number.
#[derive(Default)]
pub struct Unique(BTreeSet<String>);

impl Unique {
    /// Nothing may be called like these.
    pub fn without(taken: &[&str]) -> Self {
        Self(taken.iter().map(|&t| t.to_owned()).collect())
    }

    /// The fields of a model.
    pub fn fields() -> Self {
        Self::without(MODEL_MEMBERS)
    }

    /// `wanted`, or `wanted` and the first free number.
    pub fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }
}

/// The names that more than one file needs.
pub struct Names {
    types: BTreeMap<String, String>,
    constants: BTreeMap<(String, String), String>,
    operations: BTreeMap<String, String>,
    sections: BTreeMap<String, String>,
}

impl Names {
    /// Every name of the contract, decided once.
    pub fn new(contract: &Contract) -> Self {
        let mut unique = Unique::without(HAND_WRITTEN);
        for section in &contract.sections {
            unique.name(&section.service.go);
        }
        let of_models = contract.models.iter().map(|m| &m.name);
        let of_enums = contract.enums.iter().map(|e| &e.name);
        let types: BTreeMap<String, String> = of_models
            .chain(of_enums)
            .map(|name| (name.clone(), unique.name(&type_name(name))))
            .collect();
        let mut constants = BTreeMap::new();
        for enumeration in &contract.enums {
            for (wire, _) in &enumeration.values {
                let wanted = format!("{}{}", types[&enumeration.name], value(wire));
                let key = (enumeration.name.clone(), wire.clone());
                constants.insert(key, unique.name(&wanted));
            }
        }
        let mut unique = Unique::default();
        let operations = contract
            .operations()
            .map(|o| (o.id.clone(), unique.name(&exported(&o.id))))
            .collect();
        let mut unique =
            Unique::without(&["ClearTokenCache", "Close", "Err", "ExplainConfiguration"]);
        let sections = contract
            .sections
            .iter()
            .map(|s| (s.name.clone(), unique.name(&exported(&s.name))))
            .collect();
        Self {
            types,
            constants,
            operations,
            sections,
        }
    }

    /// The type of a model or an enum.
    pub fn of_type(&self, name: &str) -> &str {
        &self.types[name]
    }

    /// The constant of an enum's value.
    pub fn of_value(&self, enumeration: &str, wire: &str) -> &str {
        &self.constants[&(enumeration.to_owned(), wire.to_owned())]
    }

    /// The method of an operation.
    pub fn of_operation(&self, id: &str) -> &str {
        &self.operations[id]
    }

    /// The client's field for a section.
    pub fn of_section(&self, name: &str) -> &str {
        &self.sections[name]
    }
}

/// `AgentID`: a name that other packages see.
pub fn exported(name: &str) -> String {
    let joined: String = words(name).iter().map(|w| cased(w)).collect();
    match joined.chars().next() {
        Some(c) if c.is_uppercase() => joined,
        _ => format!("X{joined}"),
    }
}

/// `agentID`: a parameter's name.
pub fn parameter(name: &str) -> String {
    let words = words(name);
    let Some((first, rest)) = words.split_first() else {
        return "x".into();
    };
    let joined: String = std::iter::once(first.clone())
        .chain(rest.iter().map(|w| cased(w)))
        .collect();
    if joined.starts_with(|c: char| c.is_ascii_digit()) || RESERVED.contains(&joined.as_str()) {
        format!("{joined}_")
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    } else {
        joined
    }
}

/// A part of a constant's name for an enum's value; signs that have no letters are spelled by number.
fn value(wire: &str) -> String {
    let joined: String = words(wire).iter().map(|w| cased(w)).collect();
    if !joined.is_empty() {
        return joined;
    }
    wire.chars().map(sign).collect()
}

/// A sign by its name; the rare ones by their number.
fn sign(c: char) -> String {
    match c {
        '*' => "Star".into(),
        '+' => "Plus".into(),
        '-' => "Minus".into(),
        '.' => "Dot".into(),
        c => format!("X{:X}", u32::from(c)),
    }
}

/// The contract's spelling where Go exports it, so that all SDKs share the names of types.
fn type_name(name: &str) -> String {
    let is_go = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    if is_go {
        name.to_owned()
    } else {
        exported(name)
    }
}

fn cased(word: &str) -> String {
    let plural = word.strip_suffix('s').filter(|w| INITIALISMS.contains(w));
    match (INITIALISMS.contains(&word), plural) {
        (true, _) => word.to_uppercase(),
        (false, Some(singular)) => format!("{}s", singular.to_uppercase()),
        (false, None) if word == "oauth" => "OAuth".into(),
        (false, None) => capital(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_spells_initialisms_in_one_case() {
        for (name, as_exported, as_parameter) in [
            ("agentId", "AgentID", "agentID"),
            ("id_token", "IDToken", "idToken"),
            ("jwksUri", "JWKSURI", "jwksURI"),
            ("didCreatedAt", "DIDCreatedAt", "didCreatedAt"),
            (
                "getOpenIdConfiguration",
                "GetOpenIDConfiguration",
                "getOpenIDConfiguration",
            ),
            ("agentIds", "AgentIDs", "agentIDs"),
            ("oauthError", "OAuthError", "oauthError"),
            ("type", "Type", "type_"),
            ("2fa", "X2fa", "fa_"),
        ] {
            assert_eq!(exported(name), as_exported, "{name}");
            assert_eq!(parameter(name), as_parameter, "{name}");
        }
        assert_eq!(value("agent.created"), "AgentCreated");
        assert_eq!(value("*"), "Star");
        assert_eq!(value(":*"), "X3AStar");
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut unique = Unique::fields();
        assert_eq!(unique.name("AgentID"), "AgentID");
        assert_eq!(unique.name("AgentID"), "AgentID2");
        assert_eq!(unique.name("String"), "String2");
    }
}

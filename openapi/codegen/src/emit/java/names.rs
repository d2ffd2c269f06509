//! Names that Java accepts: reserved words, classes of java.lang, methods of Object.

use std::collections::BTreeSet;

use crate::names::{camel, pascal, screaming};

/// Keywords, literals and contextual words that cannot, or had better not, be an identifier.
const RESERVED: &[&str] = &[
    "_",
    "abstract",
    "assert",
    "boolean",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extends",
    "false",
    "final",
    "finally",
    "float",
    "for",
    "goto",
    "if",
    "implements",
    "import",
    "instanceof",
    "int",
    "interface",
    "long",
    "native",
    "new",
    "null",
    "package",
    "permits",
    "private",
    "protected",
    "public",
    "record",
    "return",
    "sealed",
    "short",
    "static",
    "strictfp",
    "super",
    "switch",
    "synchronized",
    "this",
    "throw",
    "throws",
    "transient",
    "true",
    "try",
    "var",
    "void",
    "volatile",
    "while",
    "yield",
];

/// Types that generated code itself names without their package.
const TAKEN_TYPES: &[&str] = &[
    "AgentIdPClient",
    "AgentIdPClientBuilder",
    "AgentIdPException",
    "AgentIdPServices",
    "Boolean",
    "Bridge",
    "Builder",
    "CallOptions",
    "Codec",
    "CompletableFuture",
    "DecodeFault",
    "Double",
    "Envelope",
    "ErrorRecord",
    "Exception",
    "Instant",
    "Integer",
    "Iterable",
    "Json",
    "List",
    "Long",
    "Map",
    "Objects",
    "Object",
    "Operation",
    "Operations",
    "Override",
    "Pages",
    "ResponseInfo",
    "String",
    "StringBuilder",
    "Stream",
    "TokenManager",
    "Values",
    "Void",
];

/// Methods without arguments that every object, or every model, has already.
pub const TAKEN_GETTERS: &[&str] = &["getClass", "getAdditionalProperties"];

/// Methods that a builder's setter would override or hide.
pub const TAKEN_SETTERS: &[&str] = &["additionalProperty", "build", "equals", "wait"];

/// Fields that every model has already.
pub const TAKEN_FIELDS: &[&str] = &["additionalProperties"];

/// A class: `Agent`; `String` becomes `StringModel`.
pub fn class(name: &str) -> String {
    let name = pascal(name);
    if TAKEN_TYPES.contains(&name.as_str()) {
        format!("{name}Model")
    } else {
        name
    }
}

/// A variable, field or method: `agentId`; `class` becomes `class_`.
pub fn ident(name: &str) -> String {
    let mut ident = camel(name);
    if ident.starts_with(|c: char| c.is_ascii_digit()) {
        ident.insert(0, '_');
    }
    if RESERVED.contains(&ident.as_str()) {
        ident.push('_');
    }
    ident
}

/// A constant: `ACTIVE`; a value without a word in it gets a name by its place.
pub fn constant(value: &str, place: usize) -> String {
    let name = screaming(value);
    if name.is_empty() {
        format!("VALUE_{place}")
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

/// Gives each name once; a name that was given, or is taken from the start, gets underscores.
pub struct Unique(BTreeSet<String>);

impl Unique {
    /// With the names that are taken from the start.
    pub fn new(taken: &[&str]) -> Self {
        Self(taken.iter().map(|s| (*s).to_owned()).collect())
    }

    /// The name, or the nearest one that is free.
    pub fn name(&mut self, mut name: String) -> String {
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// A Java string literal.
pub fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || !c.is_ascii() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_java_reserves_is_renamed() {
        assert_eq!(ident("class"), "class_");
        assert_eq!(ident("client_id"), "clientId");
        assert_eq!(ident("2fa"), "_2fa");
        assert_eq!(class("String"), "StringModel");
        assert_eq!(class("Agent"), "Agent");
        assert_eq!(constant("*", 3), "VALUE_3");
        assert_eq!(constant("agent.created", 0), "AGENT_CREATED");
        let mut unique = Unique::new(TAKEN_GETTERS);
        assert_eq!(unique.name("getClass".into()), "getClass_");
        assert_eq!(unique.name("getClass".into()), "getClass__");
        assert_eq!(literal("a\"\\\u{7}"), "\"a\\\"\\\\\\u0007\"");
    }
}

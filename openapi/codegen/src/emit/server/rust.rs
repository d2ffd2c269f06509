//! Small Rust spellings that the other files of this target share.

use crate::{
    model::Type,
    names,
    output::{self, File},
};

/// Words that Rust keeps for itself and allows as raw identifiers.
const RAW: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Words that cannot even be raw identifiers.
const NEVER: &[&str] = &["self", "super", "crate", "_"];

/// A generated file of the server.
pub fn file(module: &str, body: String) -> File {
    File::new(
        format!("{}{}.rs", super::OWNS[0], module.trim_start_matches("r#")),
        format!("// {}\n\n{body}", output::marker()),
    )
}

/// A module's name.
pub fn module(section: &str) -> String {
    ident(section)
}

/// A field, variable or method name.
pub fn ident(name: &str) -> String {
    let snake = names::snake(name);
    let snake = if snake.starts_with(|c: char| c.is_ascii_digit()) || snake.is_empty() {
        format!("n{snake}")
    } else {
        snake
    };
    if NEVER.contains(&snake.as_str()) {
        format!("{snake}_")
    } else if RAW.contains(&snake.as_str()) {
        format!("r#{snake}")
    } else {
        snake
    }
}

/// A variant's name: `agents:read` becomes `AgentsRead`.
pub fn variant(value: &str) -> String {
    let pascal = names::pascal(value);
    if pascal.is_empty() {
        "Any".to_owned()
    } else if pascal == "Self" {
        "Self_".to_owned()
    } else if pascal.starts_with(|c: char| c.is_ascii_digit()) {
        format!("N{pascal}")
    } else {
        pascal
    }
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// The type of a value that is there.
pub fn ty(ty: &Type, secret: bool) -> String {
    match ty {
        Type::String if secret => "Secret".into(),
        Type::String => "String".into(),
        Type::DateOrDateTime => "DateOrTimestamp".into(),
        Type::Uuid => "Uuid".into(),
        Type::DateTime => "Timestamp".into(),
        Type::Integer => "i64".into(),
        Type::Number => "f64".into(),
        Type::Boolean => "bool".into(),
        Type::Enum(name) | Type::Model(name) => names::pascal(name),
        Type::List(item) => format!("Vec<{}>", self::ty(item, secret)),
        Type::Map(value) => format!("BTreeMap<String, {}>", self::ty(value, secret)),
        Type::Any => "Value".into(),
    }
}

//! Names and types as Rust spells them.

use crate::{
    model::{Contract, Field, Model, Type},
    names,
};

/// Words that Rust keeps for itself and that may be written `r#…`.
const RAW: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];
/// Words that cannot be written raw.
const NEVER: &[&str] = &["self", "super", "crate"];

/// A field, argument or method: `agent_id`, `r#type`, `self_`, `n404`.
pub fn ident(name: &str) -> String {
    let mut snake = names::snake(name);
    if snake.starts_with(|c: char| c.is_ascii_digit()) {
        snake.insert(0, 'n');
    }
    if NEVER.contains(&snake.as_str()) {
        snake.push('_');
        snake
    } else if RAW.contains(&snake.as_str()) {
        format!("r#{snake}")
    } else {
        snake
    }
}

/// A field of a model; `extra` is where unknown fields are kept.
pub fn field_ident(name: &str) -> String {
    match ident(name) {
        taken if taken == "extra" => "extra_".into(),
        free => free,
    }
}

/// The setter of a field: `with_agent_type`.
pub fn setter_ident(name: &str) -> String {
    format!("with_{}", names::snake(name))
}

/// A model, an enum or a service.
pub fn type_ident(name: &str) -> String {
    match names::pascal(name).as_str() {
        // Names of the prelude and of this module that generated code relies on.
        taken @ ("Option" | "Vec" | "String" | "Box" | "Result" | "Some" | "None" | "Ok"
        | "Err" | "Self" | "Secret" | "Extra" | "Value" | "Call" | "Pages") => {
            format!("{taken}Model")
        }
        free => free.to_owned(),
    }
}

/// The constant of an operation: `GET_AGENT`.
pub fn constant(id: &str) -> String {
    names::screaming(id)
}

/// The type without regard to being optional or nullable.
pub fn base(ty: &Type, secret: bool) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime if secret => "Secret".into(),
        Type::String | Type::Uuid | Type::DateOrDateTime => "String".into(),
        Type::DateTime => "OffsetDateTime".into(),
        Type::Integer => "i64".into(),
        Type::Number => "f64".into(),
        Type::Boolean => "bool".into(),
        Type::Enum(name) | Type::Model(name) => type_ident(name),
        Type::List(inner) => format!("Vec<{}>", base(inner, secret)),
        Type::Map(inner) => format!("BTreeMap<String, {}>", base(inner, secret)),
        Type::Any => "Value".into(),
    }
}

/// How a field may be missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always there.
    Always,
    /// Always there, perhaps null.
    Nullable,
    /// There or not; null counts as not there.
    Optional,
    /// Not there, null or a value: three different things in a request.
    Patch,
}

/// How a field of this model may be missing.
pub fn presence(model: &Model, field: &Field) -> Presence {
    match (field.required, field.nullable) {
        (true, false) => Presence::Always,
        (true, true) => Presence::Nullable,
        (false, true) if model.usage.input() => Presence::Patch,
        (false, _) => Presence::Optional,
    }
}

/// The type of a field of a model.
pub fn field_type(contract: &Contract, model: &Model, field: &Field) -> String {
    let mut inner = base(&field.ty, field.secret);
    if holds_itself(contract, model, &field.ty) {
        inner = format!("Box<{inner}>");
    }
    match presence(model, field) {
        Presence::Always => inner,
        Presence::Nullable | Presence::Optional => format!("Option<{inner}>"),
        Presence::Patch => format!("Option<Option<{inner}>>"),
    }
}

/// The field's type leads back to the model without a list or map between: it needs a box.
pub fn holds_itself(contract: &Contract, model: &Model, ty: &Type) -> bool {
    fn reaches(contract: &Contract, from: &Type, target: &str, seen: &mut Vec<String>) -> bool {
        let Type::Model(name) = from else {
            return false;
        };
        if name == target {
            return true;
        }
        if seen.contains(name) {
            return false;
        }
        seen.push(name.clone());
        let fields = contract.model(name).fields.iter();
        fields
            .into_iter()
            .any(|f| reaches(contract, &f.ty, target, seen))
    }
    reaches(contract, ty, &model.name, &mut Vec::new())
}

/// The parameter that a setter or constructor takes, and how it becomes the field's base type.
pub fn parameter(ty: &Type, secret: bool) -> (String, &'static str) {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime | Type::Enum(_) => {
            (format!("impl Into<{}>", base(ty, secret)), "{}.into()")
        }
        Type::List(inner) => {
            let (item, how) = parameter(inner, secret);
            if how == "{}.into()" {
                (
                    format!("impl IntoIterator<Item = {item}>"),
                    "{}.into_iter().map(Into::into).collect()",
                )
            } else {
                (base(ty, secret), "{}")
            }
        }
        _ => (base(ty, secret), "{}"),
    }
}

/// Applies what [`parameter`] says to a name.
pub fn convert(how: &str, name: &str) -> String {
    how.replace("{}", name)
}

/// A Rust string literal.
pub fn literal(text: &str) -> String {
    format!("{text:?}")
}

//! Types of the contract in TypeScript.

use super::naming::type_name;
use crate::model::{Contract, Field, Model, Operation, Type};

/// In which direction a value goes: what callers give may be looser than what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The caller builds it.
    Input,
    /// It comes in an answer, perhaps besides.
    Output,
}

/// The direction of a model's fields.
pub fn direction(model: &Model) -> Direction {
    if model.usage.output {
        Direction::Output
    } else {
        Direction::Input
    }
}

/// A type without null and undefined.
pub fn base(contract: &Contract, ty: &Type, direction: Direction) -> String {
    match ty {
        Type::String | Type::Uuid => "string".into(),
        Type::DateTime if direction == Direction::Output => "Date".into(),
        Type::DateTime | Type::DateOrDateTime => "Date | string".into(),
        Type::Integer | Type::Number => "number".into(),
        Type::Boolean => "boolean".into(),
        Type::Enum(name) | Type::Model(name) => type_name(contract, name),
        Type::List(item) => {
            let item = base(contract, item, direction);
            if item.contains(' ') {
                format!("readonly ({item})[]")
            } else {
                format!("readonly {item}[]")
            }
        }
        Type::Map(value) => format!(
            "Readonly<Record<string, {}>>",
            base(contract, value, direction)
        ),
        Type::Any => "unknown".into(),
    }
}

/// A field's type, with null and - where the caller may leave it out - undefined.
pub fn field(contract: &Contract, field: &Field, direction: Direction) -> String {
    let mut out = base(contract, &field.ty, direction);
    if field.nullable {
        out.push_str(" | null");
    }
    if !field.required {
        out.push_str(" | undefined");
    }
    out
}

/// What the operation's method resolves to.
pub fn result(contract: &Contract, operation: &Operation) -> String {
    let mut types: Vec<String> = Vec::new();
    for answer in &operation.answers {
        let name = answer
            .model
            .as_deref()
            .map_or_else(|| "void".to_owned(), |m| type_name(contract, m));
        if !types.contains(&name) {
            types.push(name);
        }
    }
    if types.len() > 1 {
        // `void` says "do not look"; beside a value it must be looked at.
        for name in types.iter_mut().filter(|n| *n == "void") {
            "undefined".clone_into(name);
        }
    }
    types.join(" | ")
}

/// The names of the models and enums that a type speaks of.
pub fn names<'a>(ty: &'a Type, out: &mut Vec<&'a str>) {
    match ty {
        Type::Enum(name) | Type::Model(name) => out.push(name),
        Type::List(inner) | Type::Map(inner) => names(inner, out),
        _ => {}
    }
}

/// A timestamp may stand in it, at any depth.
pub fn has_instant(contract: &Contract, model: &Model) -> bool {
    fn in_type(contract: &Contract, ty: &Type, seen: &mut Vec<String>) -> bool {
        match ty {
            Type::DateTime | Type::DateOrDateTime => true,
            Type::List(inner) | Type::Map(inner) => in_type(contract, inner, seen),
            Type::Model(name) => {
                if seen.contains(name) {
                    return false;
                }
                seen.push(name.clone());
                let model = contract.model(name);
                model.fields.iter().any(|f| in_type(contract, &f.ty, seen))
            }
            _ => false,
        }
    }
    let mut seen = vec![model.name.clone()];
    model
        .fields
        .iter()
        .any(|f| in_type(contract, &f.ty, &mut seen))
}

//! Examples in doc comments, from the contract's own.

use serde_json::Value;

use super::{
    arguments::{self, Role},
    naming::{self, key, quoted},
};
use crate::model::{Contract, Field, Operation, Type};

/// The arguments that must be given, as literals.
pub fn arguments(contract: &Contract, operation: &Operation) -> Vec<String> {
    let positional: &[String] = operation.body.as_ref().map_or(&[], |b| &b.positional);
    arguments::arguments(contract, operation)
        .iter()
        .filter(|argument| !argument.optional)
        .map(|argument| match &argument.role {
            Role::Path(field) | Role::Positional(field) => literal(&value(contract, field)),
            Role::Body(model) => object(contract, &contract.model(model).fields, positional),
            Role::Query(model) => object(contract, &contract.model(model).fields, &[]),
            Role::Options => "{}".to_owned(),
        })
        .collect()
}

/// A call of the operation's method.
pub fn call(contract: &Contract, operation: &Operation) -> String {
    let arguments = arguments(contract, operation);
    let section = contract
        .sections
        .iter()
        .find(|s| s.name == operation.section)
        .map_or_else(|| operation.section.clone(), naming::section_member);
    let call = format!(
        "await client.{section}.{}({});",
        naming::method(&operation.id),
        arguments.join(", ")
    );
    match operation.result() {
        Some(model) => format!("const {} = {call}", variable(model)),
        None => call,
    }
}

fn variable(model: &str) -> String {
    let name = naming::parameter(model);
    // A whole word of the model's name reads better than all of them.
    name.trim_end_matches('_').to_owned()
}

/// The required fields of a model, or the first one where none is.
fn object(contract: &Contract, fields: &[Field], without: &[String]) -> String {
    let mut shown: Vec<&Field> = fields
        .iter()
        .filter(|f| f.required && !without.contains(&f.name))
        .collect();
    if shown.is_empty() {
        shown.extend(fields.first());
    }
    let entries: Vec<String> = shown
        .iter()
        .map(|f| format!("{}: {}", key(&f.name), literal(&value(contract, f))))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

/// The field's example, or a plain value of its type.
fn value(contract: &Contract, field: &Field) -> Value {
    if let Some(example) = &field.example {
        return example.clone();
    }
    match &field.ty {
        Type::Enum(name) => contract
            .enumeration(name)
            .values
            .first()
            .map_or(Value::Null, |(v, _)| Value::String(v.clone())),
        Type::Uuid => Value::String("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11".into()),
        Type::DateTime | Type::DateOrDateTime => Value::String("2026-03-28T09:00:00.000Z".into()),
        Type::Integer | Type::Number => Value::from(field.limits.minimum.unwrap_or(1)),
        Type::Boolean => Value::Bool(true),
        Type::List(_) => Value::Array(Vec::new()),
        Type::Model(_) | Type::Map(_) | Type::Any => Value::Object(serde_json::Map::new()),
        Type::String => Value::String("…".into()),
    }
}

/// JSON as a JavaScript literal on one line.
pub fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".into(),
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(k, v)| format!("{}: {}", key(k), literal(v)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

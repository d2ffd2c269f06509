//! The contract's types in Java: declarations, and the expressions that read, write and copy them.

use super::{
    file::{MODELS, Unit},
    names::{class, literal},
};
use crate::model::Type;

/// The type where an object is needed: `Long`, `List<Agent>`.
pub fn boxed(ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "String".into(),
        Type::DateTime => "Instant".into(),
        Type::Integer => "Long".into(),
        Type::Number => "Double".into(),
        Type::Boolean => "Boolean".into(),
        Type::Enum(name) | Type::Model(name) => class(name),
        Type::List(item) => format!("List<{}>", boxed(item)),
        Type::Map(value) => format!("Map<String, {}>", boxed(value)),
        Type::Any => "Object".into(),
    }
}

/// The primitive of a type that has one.
pub fn primitive(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Integer => Some("long"),
        Type::Number => Some("double"),
        Type::Boolean => Some("boolean"),
        _ => None,
    }
}

/// Imports what naming the type needs.
pub fn import(unit: &mut Unit, ty: &Type) {
    match ty {
        Type::DateTime => {
            unit.import("java.time", "Instant");
        }
        Type::Enum(name) | Type::Model(name) => {
            unit.import(MODELS, &class(name));
        }
        Type::List(inner) => {
            unit.import("java.util", "List");
            import(unit, inner);
        }
        Type::Map(inner) => {
            unit.import("java.util", "Map");
            import(unit, inner);
        }
        _ => {}
    }
}

/// Imports what reading or writing the type needs and naming does not.
pub fn import_enums(unit: &mut Unit, ty: &Type) {
    match ty {
        Type::Enum(name) => {
            unit.import(MODELS, &class(name));
        }
        Type::List(inner) | Type::Map(inner) => import_enums(unit, inner),
        _ => {}
    }
}

/// An expression that reads the type from the parser `var`.
pub fn read(ty: &Type, var: &str, depth: usize) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => format!("Json.string({var})"),
        Type::DateTime => format!("Json.instant({var})"),
        Type::Integer => format!("Json.integer({var})"),
        Type::Number => format!("Json.number({var})"),
        Type::Boolean => format!("Json.bool({var})"),
        Type::Enum(name) => format!("{}.of(Json.string({var}))", class(name)),
        Type::Model(name) => format!("{}Codec.INSTANCE.read({var})", class(name)),
        Type::List(item) if **item == Type::Any => format!("Json.anyList({var})"),
        Type::List(item) => format!("Json.list({var}, {})", reader(item, depth + 1)),
        Type::Map(value) => format!("Json.map({var}, {})", reader(value, depth + 1)),
        Type::Any => format!("Json.any({var})"),
    }
}

/// A `Json.Reader` of the type.
fn reader(ty: &Type, depth: usize) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "Json::string".into(),
        Type::DateTime => "Json::instant".into(),
        Type::Integer => "Json::integer".into(),
        Type::Number => "Json::number".into(),
        Type::Boolean => "Json::bool".into(),
        Type::Any => "Json::any".into(),
        Type::Model(name) => format!("{}Codec.INSTANCE::read", class(name)),
        Type::Enum(_) | Type::List(_) | Type::Map(_) => {
            let var = format!("in{depth}");
            format!("{var} -> {}", read(ty, &var, depth))
        }
    }
}

/// A statement, without the semicolon, that writes the expression `value`.
pub fn write(ty: &Type, out: &str, value: &str, depth: usize) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => {
            format!("Json.writeString({out}, {value})")
        }
        Type::DateTime => format!("Json.writeInstant({out}, {value})"),
        Type::Integer => format!("Json.writeInteger({out}, {value})"),
        Type::Number => format!("Json.writeNumber({out}, {value})"),
        Type::Boolean => format!("Json.writeBool({out}, {value})"),
        Type::Enum(_) => format!("Json.writeString({out}, {value}.value())"),
        Type::Model(name) => format!("{}Codec.INSTANCE.write({out}, {value})", class(name)),
        Type::List(item) => format!(
            "Json.writeList({out}, {value}, {})",
            writer(item, depth + 1)
        ),
        Type::Map(inner) => format!(
            "Json.writeMap({out}, {value}, {})",
            writer(inner, depth + 1)
        ),
        Type::Any => format!("Json.writeAny({out}, {value})"),
    }
}

/// A `Json.Writer` of the type.
fn writer(ty: &Type, depth: usize) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "Json::writeString".into(),
        Type::DateTime => "Json::writeInstant".into(),
        Type::Integer => "Json::writeInteger".into(),
        Type::Number => "Json::writeNumber".into(),
        Type::Boolean => "Json::writeBool".into(),
        Type::Any => "Json::writeAny".into(),
        Type::Model(name) => format!("{}Codec.INSTANCE::write", class(name)),
        Type::Enum(_) | Type::List(_) | Type::Map(_) => {
            let (out, value) = (format!("out{depth}"), format!("value{depth}"));
            format!("({out}, {value}) -> {}", write(ty, &out, &value, depth))
        }
    }
}

/// An expression that copies `value` so that the model cannot change; the value itself where it never does. What is none is
/// refused by the field's name.
pub fn copy(ty: &Type, field: &str, value: &str) -> String {
    let copier = match ty {
        Type::Any => "json",
        Type::List(item) if **item == Type::Any => "jsonList",
        Type::Map(inner) if **inner == Type::Any => "jsonMap",
        Type::List(_) => "list",
        Type::Map(_) => "map",
        _ => return value.to_owned(),
    };
    format!("Values.{copier}({}, {value})", literal(field))
}

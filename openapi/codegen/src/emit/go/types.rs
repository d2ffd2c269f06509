//! How a field of the contract becomes a field of a Go struct.
//!
//! The rule: what must be there is plain. What may be missing is plain where Go's zero value can
//! stand for "not there" - in queries, forms and answers - and a pointer where it cannot: in JSON
//! bodies, where `false` and absent differ, and for booleans, times and models everywhere. What may
//! be null is a pointer; what may be missing *and* null in a body is a `Nullable`.

use super::names::{Names, Unique, exported};
use crate::model::{Contract, Field, Model, Type};

/// How a struct holds a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Always written.
    Plain,
    /// Left out when it is Go's zero value, or nil.
    OmitZero,
    /// A pointer; nil is left out.
    OmitNil,
    /// A pointer, list or map; nil is null.
    NullNil,
    /// Left out, null, or a value.
    Nullable,
}

/// A field of a struct.
pub struct GoField<'a> {
    /// The contract's field.
    pub field: &'a Field,
    /// `AgentID`.
    pub name: String,
    /// How it is held.
    pub shape: Shape,
    /// Its whole type: `*time.Time`.
    pub ty: String,
}

/// The fields of a model's struct, without those that its operations take as arguments of their own.
pub fn fields<'a>(contract: &'a Contract, names: &Names, model: &'a Model) -> Vec<GoField<'a>> {
    let mut unique = Unique::fields();
    let positional = positional(contract, &model.name);
    model
        .fields
        .iter()
        .filter(|f| !positional.contains(&f.name.as_str()))
        .map(|field| {
            let shape = shape(contract, model, field);
            let plain = plain_type(names, &field.ty);
            let ty = match shape {
                Shape::OmitNil => format!("*{plain}"),
                Shape::NullNil if !is_nilable(&field.ty) => format!("*{plain}"),
                Shape::Nullable => format!("Nullable[{plain}]"),
                Shape::Plain | Shape::OmitZero | Shape::NullNil => plain,
            };
            GoField {
                field,
                name: unique.name(&exported(&field.name)),
                shape,
                ty,
            }
        })
        .collect()
}

/// The body's fields that operations with this body take as arguments of their own.
pub fn positional<'a>(contract: &'a Contract, model: &str) -> Vec<&'a str> {
    contract
        .operations()
        .filter_map(|o| o.body.as_ref())
        .filter(|b| b.model == model)
        .flat_map(|b| b.positional.iter().map(String::as_str))
        .collect()
}

fn shape(contract: &Contract, model: &Model, field: &Field) -> Shape {
    let is_body = model.usage.body;
    match (field.required, field.nullable) {
        (true, false) if is_endless(contract, model, &field.ty) => Shape::NullNil,
        (true, false) => Shape::Plain,
        (true, true) => Shape::NullNil,
        (false, true) if is_body => Shape::Nullable,
        (false, _) if is_nilable(&field.ty) => Shape::OmitZero,
        (false, true) => Shape::OmitNil,
        (false, false) => match field.ty {
            Type::Boolean | Type::DateTime | Type::Model(_) => Shape::OmitNil,
            _ if is_body => Shape::OmitNil,
            _ => Shape::OmitZero,
        },
    }
}

/// A struct cannot hold itself: does `ty` lead back to `model` through required fields alone?
fn is_endless(contract: &Contract, model: &Model, ty: &Type) -> bool {
    fn reaches(contract: &Contract, ty: &Type, target: &str, seen: &mut Vec<String>) -> bool {
        let Type::Model(name) = ty else { return false };
        if name == target {
            return true;
        }
        if seen.contains(name) {
            return false;
        }
        seen.push(name.clone());
        contract
            .model(name)
            .fields
            .iter()
            .filter(|f| f.required && !f.nullable)
            .any(|f| reaches(contract, &f.ty, target, seen))
    }
    reaches(contract, ty, &model.name, &mut Vec::new())
}

fn is_nilable(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(_) | Type::Any)
}

/// The type of a value that is there.
pub fn plain_type(names: &Names, ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "string".into(),
        Type::DateTime => "time.Time".into(),
        Type::Integer => "int".into(),
        Type::Number => "float64".into(),
        Type::Boolean => "bool".into(),
        Type::Enum(name) | Type::Model(name) => names.of_type(name).into(),
        Type::List(item) => format!("[]{}", plain_type(names, item)),
        Type::Map(item) => format!("map[string]{}", plain_type(names, item)),
        Type::Any => "any".into(),
    }
}

/// A value of `func(*wire.Reader) T`.
pub fn reader(names: &Names, ty: &Type) -> String {
    let method = |name: &str| format!("(*wire.Reader).{name}");
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => method("String"),
        Type::DateTime => method("Time"),
        Type::Integer => method("Int"),
        Type::Number => method("Float"),
        Type::Boolean => method("Bool"),
        Type::Any => method("Any"),
        Type::Enum(name) => format!("readEnum[{}]", names.of_type(name)),
        Type::Model(name) => format!("readModel[{}]", names.of_type(name)),
        Type::List(_) | Type::Map(_) => format!(
            "func(r *wire.Reader) {} {{ return {} }}",
            plain_type(names, ty),
            read(names, ty)
        ),
    }
}

/// An expression that reads a value from `r`.
pub fn read(names: &Names, ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "r.String()".into(),
        Type::DateTime => "r.Time()".into(),
        Type::Integer => "r.Int()".into(),
        Type::Number => "r.Float()".into(),
        Type::Boolean => "r.Bool()".into(),
        Type::Any => "r.Any()".into(),
        Type::Enum(_) | Type::Model(_) => format!("{}(r)", reader(names, ty)),
        Type::List(item) => match item.as_ref() {
            Type::Model(name) => format!("readModels[{}](r)", names.of_type(name)),
            item => format!("readList(r, {})", reader(names, item)),
        },
        Type::Map(item) => format!("readMap(r, {})", reader(names, item)),
    }
}

/// A value of `func(*wire.Writer, T)`.
pub fn writer(names: &Names, ty: &Type) -> String {
    let method = |name: &str| format!("(*wire.Writer).{name}");
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => method("String"),
        Type::DateTime => method("Time"),
        Type::Integer => method("Int"),
        Type::Number => method("Float"),
        Type::Boolean => method("Bool"),
        Type::Any => "writeAny".into(),
        Type::Enum(name) => format!("writeEnum[{}]", names.of_type(name)),
        Type::Model(name) => format!("writeModel[{}]", names.of_type(name)),
        Type::List(_) | Type::Map(_) => format!(
            "func(w *wire.Writer, v {}) {{ {} }}",
            plain_type(names, ty),
            write(names, ty, "v")
        ),
    }
}

/// A statement that writes the value of an expression to `w`.
pub fn write(names: &Names, ty: &Type, value: &str) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => format!("w.String({value})"),
        Type::DateTime => format!("w.Time({value})"),
        Type::Integer => format!("w.Int({value})"),
        Type::Number => format!("w.Float({value})"),
        Type::Boolean => format!("w.Bool({value})"),
        Type::Any => format!("w.Any({value})"),
        Type::Enum(_) => format!("w.String(string({value}))"),
        Type::Model(_) => format!("object(w, {value}.fields)"),
        Type::List(item) => format!("writeList(w, {value}, {})", writer(names, item)),
        Type::Map(item) => format!("writeMap(w, {value}, {})", writer(names, item)),
    }
}

/// The condition under which a value that may be left out is there.
pub fn is_there(field: &GoField, value: &str) -> String {
    match (field.shape, &field.field.ty) {
        (Shape::Nullable, _) => format!("{value}.IsSet()"),
        (Shape::OmitNil | Shape::NullNil, _) | (_, Type::List(_) | Type::Map(_) | Type::Any) => {
            format!("{value} != nil")
        }
        (_, Type::Integer | Type::Number) => format!("{value} != 0"),
        (_, Type::DateTime) => format!("!{value}.IsZero()"),
        (_, Type::Boolean) => value.to_owned(),
        _ => format!("{value} != \"\""),
    }
}

/// Does a value of this type, or a part of it, hold a secret?
pub fn is_sensitive(contract: &Contract, ty: &Type) -> bool {
    fn look(contract: &Contract, ty: &Type, seen: &mut Vec<String>) -> bool {
        match ty {
            Type::List(item) | Type::Map(item) => look(contract, item, seen),
            Type::Model(name) if !seen.contains(name) => {
                seen.push(name.clone());
                let fields = &contract.model(name).fields;
                fields
                    .iter()
                    .any(|f| f.secret || look(contract, &f.ty, seen))
            }
            _ => false,
        }
    }
    look(contract, ty, &mut Vec::new())
}

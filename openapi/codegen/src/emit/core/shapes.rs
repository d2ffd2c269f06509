//! Shapes: what an answer must look like, as data that can be checked without building a model.

use super::{models::used, rust_file, types::literal};
use crate::{
    model::{Contract, Field, Model, Type},
    names,
    writer::Writer,
};

/// Emits `shapes.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = rust_file("What answers must look like, checked without building a model.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use crate::shape::{Member, Object, Shape};");
    for model in used(contract).filter(|m| m.usage.output) {
        w.blank();
        object(&mut w, model);
    }
    w.finish()
}

/// The constant of a model's shape.
pub fn constant(model: &str) -> String {
    names::screaming(model)
}

fn object(w: &mut Writer, model: &Model) {
    w.line(format!("/// `{}`.", model.name));
    let required = model.fields.iter().filter(|f| f.required).count();
    w.block(
        format!("pub static {}: Object = Object {{", constant(&model.name)),
        "};",
        |w| {
            w.line(format!("name: {},", literal(&model.name)));
            w.line(format!("required: {required},"));
            w.block("members: &[", "],", |w| {
                for field in &model.fields {
                    member(w, field);
                }
            });
        },
    );
}

fn member(w: &mut Writer, field: &Field) {
    w.line(format!(
        "Member {{ name: {}, required: {}, nullable: {}, shape: {} }},",
        literal(&field.name),
        field.required,
        field.nullable || !field.required || field.ty == Type::Any,
        shape(&field.ty)
    ));
}

fn shape(ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime | Type::Enum(_) => "Shape::Text".into(),
        Type::DateTime => "Shape::DateTime".into(),
        Type::Integer => "Shape::Integer".into(),
        Type::Number => "Shape::Number".into(),
        Type::Boolean => "Shape::Boolean".into(),
        Type::Model(name) => format!("Shape::Object(&{})", constant(name)),
        Type::List(inner) => format!("Shape::List(&{})", shape(inner)),
        Type::Map(inner) => format!("Shape::Map(&{})", shape(inner)),
        Type::Any => "Shape::Any".into(),
    }
}

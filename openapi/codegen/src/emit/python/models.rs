//! `models.py` (the names) and `models.pyi` (what type checkers and editors see of them).

use super::{names, python_file, text, used, used_enums};
use crate::{
    model::{Contract, Field, Model, Type},
    writer::Writer,
};

/// Emits `models.py`.
pub fn reexport(contract: &Contract) -> String {
    let mut w = python_file("Requests and answers: immutable values, made by the native module.");
    w.line("from ._native import (");
    exports(contract, |class| {
        w.line(format!("    {class},"));
    });
    w.line(")").blank();
    w.line("__all__ = [");
    exports(contract, |class| {
        w.line(format!("    {},", text::literal(class)));
    });
    w.line("]");
    w.finish()
}

fn exports(contract: &Contract, mut each: impl FnMut(&str)) {
    let mut names: Vec<String> = used(contract).map(|m| names::class(&m.name)).collect();
    names.push("Model".into());
    names.sort();
    names.iter().for_each(|name| each(name));
}

/// Emits `models.pyi`.
pub fn stubs(contract: &Contract) -> String {
    let mut w = python_file("Requests and answers: immutable values, made by the native module.");
    if uses(contract, &|ty| {
        matches!(ty, Type::List(_) | Type::Map(_) | Type::Model(_))
    }) {
        w.line("from collections.abc import Mapping, Sequence");
    }
    if uses(contract, &|ty| *ty == Type::DateTime) {
        w.line("from datetime import datetime");
    }
    w.line("from typing import Any, Self, final").blank();
    w.line("from ._native import Model as Model");
    let mut enums: Vec<String> = used_enums(contract)
        .map(|e| names::class(&e.name))
        .collect();
    enums.sort();
    if !enums.is_empty() {
        w.line(format!("from .enums import {}", enums.join(", ")));
    }
    w.blank();
    w.line("__all__ = [");
    exports(contract, |class| {
        w.line(format!("    {},", text::literal(class)));
    });
    w.line("]");
    for model in used(contract) {
        w.blank();
        class(&mut w, contract, model);
    }
    super::squeeze(&w.finish(), 1)
}

fn uses(contract: &Contract, wanted: &dyn Fn(&Type) -> bool) -> bool {
    fn within(ty: &Type, wanted: &dyn Fn(&Type) -> bool) -> bool {
        wanted(ty)
            || match ty {
                Type::List(inner) | Type::Map(inner) => within(inner, wanted),
                _ => false,
            }
    }
    used(contract).any(|m| m.fields.iter().any(|f| within(&f.ty, wanted)))
}

fn class(w: &mut Writer, contract: &Contract, model: &Model) {
    w.line("@final");
    w.block(
        format!("class {}(Model):", names::class(&model.name)),
        "",
        |w| {
            let arguments = text::arguments(contract, &model.name);
            text::docstring(w, &documentation(model, &arguments));
            w.blank();
            constructor(w, &arguments);
            for field in &model.fields {
                getter(w, field);
            }
        },
    );
}

/// What the class is, and what its constructor takes.
pub fn documentation(model: &Model, arguments: &[&Field]) -> String {
    let mut out = model.description.trim().to_owned();
    if model.min_properties > 0 {
        out.push_str(&format!(
            "\n\nAt least {} of its fields must be given.",
            model.min_properties
        ));
    }
    out + &text::fields("Args", arguments)
}

fn constructor(w: &mut Writer, arguments: &[&Field]) {
    if arguments.is_empty() {
        w.line("def __new__(cls) -> Self: ...");
        return;
    }
    w.block("def __new__(", ") -> Self: ...", |w| {
        w.line("cls,").line("*,");
        for field in arguments {
            w.line(format!("{},", text::argument(field)));
        }
    });
}

fn getter(w: &mut Writer, field: &Field) {
    let optional = field.ty != Type::Any && (field.nullable || !field.required);
    let none = if optional { " | None" } else { "" };
    w.line("@property");
    w.block(
        format!(
            "def {}(self) -> {}{none}:",
            names::field(&field.name),
            text::output(&field.ty)
        ),
        "",
        |w| {
            let documentation = text::field(field);
            if documentation.is_empty() {
                w.line("...");
            } else {
                text::docstring(w, &documentation);
            }
        },
    );
}

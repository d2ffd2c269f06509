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
    let mut body = Writer::new("    ");
    for model in used(contract) {
        body.blank();
        class(&mut body, contract, model);
    }
    let body = body.finish();
    let mut w = python_file("Requests and answers: immutable values, made by the native module.");
    let code = text::code(&body);
    for line in text::standard_imports(&code) {
        w.line(line);
    }
    if text::mentions(&code, "Self") {
        // Type checkers know it on every Python.
        w.blank().line("from typing_extensions import Self");
    }
    w.blank();
    w.line("from ._native import Model as Model");
    let mut enums: Vec<String> = used_enums(contract)
        .map(|e| names::class(&e.name))
        .collect();
    enums.sort();
    if !enums.is_empty() {
        w.block("from .enums import (", ")", |w| {
            for name in &enums {
                w.line(format!("{name},"));
            }
        });
    }
    w.blank();
    w.line("__all__ = [");
    exports(contract, |class| {
        w.line(format!("    {},", text::literal(class)));
    });
    w.line("]");
    super::squeeze(&(w.finish() + &body), 1)
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

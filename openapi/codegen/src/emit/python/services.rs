//! The services: one module a section, with the sync and the async class from one description,
//! and the index that hangs them on the clients.

use std::collections::BTreeSet;

use super::{
    method::{Flavour, emit},
    names, python_file, text,
};
use crate::{
    model::{Contract, Section, Type},
    writer::Writer,
};

/// Emits `services/__init__.py`.
pub fn index(contract: &Contract) -> String {
    let mut w = python_file("The services of the two clients, one a section of the API.");
    w.line("from __future__ import annotations").blank();
    let mut exported = vec!["AsyncServices".to_owned(), "Services".to_owned()];
    let mut imports: Vec<String> = Vec::new();
    for section in &contract.sections {
        let (module, class) = (names::attribute(&section.name), &section.service.python);
        let mut pair = [format!("Async{class}"), class.clone()];
        pair.sort();
        imports.push(format!("from .{module} import {}", pair.join(", ")));
        exported.extend([class.clone(), format!("Async{class}")]);
    }
    imports.sort();
    imports.iter().for_each(|line| {
        w.line(line);
    });
    w.blank().line("TYPE_CHECKING = False");
    w.block("if TYPE_CHECKING:", "", |w| {
        w.line("from .._service import AsyncCall, Call");
    });
    exported.sort();
    w.block("__all__ = [", "]", |w| {
        for class in &exported {
            w.line(format!("{},", text::literal(class)));
        }
    });
    for flavour in Flavour::BOTH {
        w.blank().blank();
        services(&mut w, contract, flavour);
    }
    super::squeeze(&w.finish(), 2)
}

fn services(w: &mut Writer, contract: &Contract, flavour: Flavour) {
    let prefix = flavour.pick("", "Async");
    w.block(format!("class {prefix}Services:"), "", |w| {
        text::docstring(w, "One service a section of the API.");
        w.blank();
        for section in &contract.sections {
            let class = &section.service.python;
            w.line(format!(
                "{}: {prefix}{class}",
                names::attribute(&section.name)
            ));
            text::docstring(w, &section.description);
        }
        w.blank();
        w.block(
            format!("def _attach(self, call: {prefix}Call) -> None:"),
            "",
            |w| {
                for section in &contract.sections {
                    w.line(format!(
                        "self.{} = {prefix}{}(call)",
                        names::attribute(&section.name),
                        section.service.python
                    ));
                }
            },
        );
    });
}

/// Emits `services/<section>.py`.
pub fn section(contract: &Contract, section: &Section) -> String {
    let mut body = Writer::new("    ");
    let first = contract
        .operations()
        .position(|o| o.section == section.name)
        .unwrap_or_default();
    for flavour in Flavour::BOTH {
        body.blank().blank();
        let class = format!("{}{}", flavour.pick("", "Async"), section.service.python);
        let base = flavour.pick("Service", "AsyncService");
        body.block(format!("class {class}({base}):"), "", |w| {
            text::docstring(w, &section.description);
            w.blank().line("__slots__ = ()");
            for (i, operation) in section.operations.iter().enumerate() {
                w.blank();
                emit(w, contract, operation, first + i, flavour);
            }
        });
    }
    let body = body.finish();
    let mut w = python_file(&format!(
        "Section `{}`: the service of `AgentIdPClient` and its async twin.",
        section.name
    ));
    // The native module answers whatever the operation says; that it does is what tests are for.
    w.line("# mypy: disable-error-code=no-any-return");
    imports(&mut w, contract, section, &body);
    let out = w.finish() + &body;
    super::squeeze(&out, 2)
}

fn imports(w: &mut Writer, contract: &Contract, section: &Section, body: &str) {
    let code = text::code(body);
    let has = |word: &str| text::mentions(&code, word);
    w.line("from __future__ import annotations").blank();
    let hidden = if has("Hidden") { ", Hidden" } else { "" };
    w.line(format!("from .._native import CallOptions{hidden}"));
    let helpers: String = ["overload", "payload", "secret_payload"]
        .iter()
        .filter(|word| has(word))
        .map(|word| format!(", {word}"))
        .collect();
    w.line(format!(
        "from .._service import AsyncService, Service{helpers}"
    ));
    let (mut enums, mut models) = (BTreeSet::new(), BTreeSet::new());
    for operation in &section.operations {
        let answers = operation.answers.iter().filter_map(|a| a.model.clone());
        models.extend(answers);
        models.extend(operation.paging.iter().map(|p| p.item_model.clone()));
        let inputs = operation
            .body
            .iter()
            .map(|b| &b.model)
            .chain(&operation.query);
        for model in inputs {
            models.insert(model.clone());
            for field in &contract.model(model).fields {
                collect(&field.ty, &mut enums, &mut models);
            }
        }
    }
    for (module, found) in [("enums", enums), ("models", models)] {
        let found: BTreeSet<String> = found.iter().map(|n| names::class(n)).collect();
        let found: Vec<String> = found.into_iter().filter(|name| has(name)).collect();
        if !found.is_empty() {
            w.block(format!("from ..{module} import ("), ")", |w| {
                for name in &found {
                    w.line(format!("{name},"));
                }
            });
        }
    }
    let annotations = text::standard_imports(&code);
    if !annotations.is_empty() {
        // Slow imports that only type checkers need.
        w.blank().line("TYPE_CHECKING = False");
        w.block("if TYPE_CHECKING:", "", |w| {
            for line in &annotations {
                w.line(line);
            }
        });
    }
}

fn collect(ty: &Type, enums: &mut BTreeSet<String>, models: &mut BTreeSet<String>) {
    match ty {
        Type::Enum(name) => {
            enums.insert(name.clone());
        }
        Type::Model(name) => {
            models.insert(name.clone());
        }
        Type::List(inner) | Type::Map(inner) => collect(inner, enums, models),
        _ => {}
    }
}

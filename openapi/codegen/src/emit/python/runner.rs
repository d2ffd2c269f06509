//! The conformance runner's dispatch: operation id -> the public method and its argument types.

use super::{names, python_file, text};
use crate::model::Contract;

/// Emits `dispatch.py`.
pub fn emit(contract: &Contract) -> String {
    let mut w = python_file("Operation id -> the public method that the conformance runner calls.");
    w.line("from __future__ import annotations").blank();
    w.line("from typing import NamedTuple").blank();
    w.line("from sentryagent_idp import models").blank().blank();
    w.block("class Operation(NamedTuple):", "", |w| {
        text::docstring(w, "How an operation is called.");
        w.blank();
        w.line("service: str");
        w.line("method: str");
        w.line("path: tuple[str, ...]");
        w.line("query: type[models.Model] | None");
        w.line("body: type[models.Model] | None");
        w.line("iterator: str | None");
    });
    w.blank();
    w.block("OPERATIONS: dict[str, Operation] = {", "}", |w| {
        for operation in contract.operations() {
            let class = |model: Option<&String>| {
                model.map_or("None".to_owned(), |m| format!("models.{}", names::class(m)))
            };
            let method = names::method(&operation.id);
            let iterator = if operation.paging.is_some() {
                text::literal(&format!("{method}_iter"))
            } else {
                "None".into()
            };
            w.block(
                format!("{}: Operation(", text::literal(&operation.id)),
                "),",
                |w| {
                    w.line(format!(
                        "service={},",
                        text::literal(&names::attribute(&operation.section))
                    ));
                    w.line(format!("method={},", text::literal(&method)));
                    w.line(format!(
                        "path={},",
                        text::tuple(operation.path_params.iter().map(|p| &p.name))
                    ));
                    w.line(format!("query={},", class(operation.query.as_ref())));
                    w.line(format!(
                        "body={},",
                        class(operation.body.as_ref().map(|b| &b.model))
                    ));
                    w.line(format!("iterator={iterator},"));
                },
            );
        }
    });
    super::squeeze(&w.finish(), 2)
}

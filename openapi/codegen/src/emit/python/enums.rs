//! `enums.py`: open enums as subclasses of `str`.

use super::{names, python_file, text, used_enums};
use crate::model::{Contract, Enum};

/// Emits `enums.py`.
pub fn emit(contract: &Contract) -> String {
    let mut w = python_file(
        "Open enums: each is a `str` with constants; a value that is not known yet is kept.",
    );
    w.line("from __future__ import annotations").blank();
    w.line("from ._enum import OpenEnum").blank();
    w.line("TYPE_CHECKING = False");
    w.block("if TYPE_CHECKING:", "", |w| {
        w.line("from typing import ClassVar");
    });
    let classes: Vec<String> = used_enums(contract)
        .map(|e| names::class(&e.name))
        .collect();
    w.block("__all__ = [", "]", |w| {
        let mut sorted = classes.clone();
        sorted.sort();
        for class in &sorted {
            w.line(format!("{},", text::literal(class)));
        }
    });
    for enumeration in used_enums(contract) {
        w.blank().blank();
        class(&mut w, enumeration);
    }
    super::squeeze(&w.finish(), 2)
}

fn class(w: &mut crate::writer::Writer, enumeration: &Enum) {
    let class = names::class(&enumeration.name);
    let constants = names::constants(enumeration);
    w.block(format!("class {class}(OpenEnum):"), "", |w| {
        text::docstring(w, &enumeration.description);
        w.blank();
        w.line("__slots__ = ()").blank();
        for (constant, (_, meaning)) in constants.iter().zip(&enumeration.values) {
            w.line(format!("{constant}: ClassVar[{class}]"));
            if !meaning.trim().is_empty() {
                text::docstring(w, meaning);
            }
        }
    });
    w.blank();
    w.block(format!("{class}._declare("), ")", |w| {
        for (constant, (value, _)) in constants.iter().zip(&enumeration.values) {
            w.line(format!("{constant}={},", text::literal(value)));
        }
    });
}

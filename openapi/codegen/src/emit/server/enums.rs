//! Enums of the contract: closed here, because the server is who decides what there is.

use super::rust::{quoted, variant};
use crate::{
    model::{Contract, Enum},
    names,
    writer::Writer,
};

/// Every enum.
pub fn emit(w: &mut Writer, contract: &Contract) {
    for item in &contract.enums {
        if is_scopes(contract, item) {
            scopes(w, item);
        } else {
            enumeration(w, item);
        }
    }
}

/// An enum that lists the contract's scopes once more.
fn is_scopes(contract: &Contract, item: &Enum) -> bool {
    item.values
        .iter()
        .map(|(value, _)| value)
        .eq(contract.scopes.iter().map(|(scope, _)| scope))
}

/// The scopes have a type already; here it only learns how it travels.
fn scopes(w: &mut Writer, item: &Enum) {
    let name = names::pascal(&item.name);
    w.line(if name == "Scope" {
        "pub use super::scopes::Scope;".to_owned()
    } else {
        format!("pub use super::scopes::Scope as {name};")
    });
    w.blank();
    travels(w, &name);
}

fn enumeration(w: &mut Writer, item: &Enum) {
    let name = names::pascal(&item.name);
    w.prefixed("/// ", &item.description);
    w.line("#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]");
    w.block(format!("pub enum {name} {{"), "}", |w| {
        for (value, meaning) in &item.values {
            let meaning = if meaning.is_empty() {
                format!("`{value}`")
            } else {
                meaning.clone()
            };
            w.prefixed("/// ", &meaning);
            w.line(format!("{},", variant(value)));
        }
    });
    w.blank();
    w.block(format!("impl {name} {{"), "}", |w| {
        let all: Vec<String> = item
            .values
            .iter()
            .map(|(v, _)| format!("Self::{}", variant(v)))
            .collect();
        w.line("/// Every value, in the order of the contract.");
        w.line(format!(
            "pub const ALL: &'static [Self] = &[{}];",
            all.join(", ")
        ))
        .blank();
        w.line("/// As on the wire.");
        w.line("pub const fn as_str(self) -> &'static str {")
            .line("match self {");
        for (value, _) in &item.values {
            w.line(format!("Self::{} => {},", variant(value), quoted(value)));
        }
        w.line("}").line("}").blank();
        w.line("/// The value of that name.");
        w.line("pub fn parse(text: &str) -> Option<Self> {");
        w.line("Self::ALL.iter().copied().find(|v| v.as_str() == text)");
        w.line("}");
    });
    w.blank();
    travels(w, &name);
}

fn travels(w: &mut Writer, name: &str) {
    w.block(format!("impl Word for {name} {{"), "}", |w| {
        w.line("const ALL: &'static [Self] = Self::ALL;").blank();
        w.line("fn as_str(self) -> &'static str {")
            .line("Self::as_str(self)")
            .line("}");
    });
    w.blank();
    w.block(format!("impl Serialize for {name} {{"), "}", |w| {
        w.line(
            "fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {",
        );
        w.line("serializer.serialize_str(self.as_str())").line("}");
    });
    w.blank();
}

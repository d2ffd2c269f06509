//! Python: the native classes over the core's models, the operation table, the pure-Python
//! services (sync and async from one description), enums, stubs, and the runner's dispatch.
//!
//! Everything emitted is thin data over the hand-written call path in `bindings/python`.

mod enums;
mod method;
mod models;
mod names;
mod native;
mod runner;
mod services;
mod text;

use crate::{
    Result,
    model::{Contract, Enum, Model, Type},
    output::{File, marker},
    writer::Writer,
};

const PACKAGE: &str = "bindings/python/python/sentryagent_idp";
const NATIVE: &str = "bindings/python/src/generated";

/// What this target owns.
pub const OWNS: &[&str] = &[
    "bindings/python/src/generated/",
    "bindings/python/python/sentryagent_idp/enums.py",
    "bindings/python/python/sentryagent_idp/models.py",
    "bindings/python/python/sentryagent_idp/models.pyi",
    "bindings/python/python/sentryagent_idp/services/",
    "tests/conformance/runners/python/dispatch.py",
];

/// Emits every file of the Python package that the contract decides.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut files = vec![
        File::new(format!("{NATIVE}/mod.rs"), native::module()),
        File::new(format!("{NATIVE}/enums.rs"), native::enums(contract)),
        File::new(format!("{NATIVE}/models.rs"), native::models(contract)),
        File::new(
            format!("{NATIVE}/operations.rs"),
            native::operations(contract),
        ),
        File::new(format!("{PACKAGE}/enums.py"), enums::emit(contract)),
        File::new(format!("{PACKAGE}/models.py"), models::reexport(contract)),
        File::new(format!("{PACKAGE}/models.pyi"), models::stubs(contract)),
        File::new(
            "tests/conformance/runners/python/dispatch.py",
            runner::emit(contract),
        ),
    ];
    files.push(File::new(
        format!("{PACKAGE}/services/__init__.py"),
        services::index(contract),
    ));
    for section in &contract.sections {
        let name = names::attribute(&section.name);
        files.push(File::new(
            format!("{PACKAGE}/services/{name}.py"),
            services::section(contract, section),
        ));
    }
    Ok(files)
}

/// Models that an operation uses.
fn used(contract: &Contract) -> impl Iterator<Item = &Model> {
    contract
        .models
        .iter()
        .filter(|m| m.usage.input() || m.usage.output)
}

/// Enums that a used model's field has.
fn used_enums(contract: &Contract) -> impl Iterator<Item = &Enum> {
    fn names_it(ty: &Type, name: &str) -> bool {
        match ty {
            Type::Enum(n) => n == name,
            Type::List(inner) | Type::Map(inner) => names_it(inner, name),
            _ => false,
        }
    }
    contract
        .enums
        .iter()
        .filter(|e| used(contract).any(|m| m.fields.iter().any(|f| names_it(&f.ty, &e.name))))
}

/// A Python file that begins with the marker and the module's docstring.
fn python_file(purpose: &str) -> Writer {
    let mut w = Writer::new("    ");
    w.line(format!("# {}", marker()));
    w.line(format!("\"\"\"{purpose}\"\"\"")).blank();
    w
}

/// No more empty lines in a row than `limit`, one inside a class, none at the end.
fn squeeze(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        let limit = if line.starts_with(' ') { 1 } else { limit };
        out.push_str(&"\n".repeat(empty.min(limit)));
        out.push_str(line);
        out.push('\n');
        empty = 0;
    }
    out
}

//! The Rust client core: models, open enums, the operation table and the typed services; and the
//! dispatch table of the Rust conformance runner.
//!
//! Everything emitted is thin data over the hand-written call path in `core/src`: a service method
//! names an operation of the table and hands over its arguments.

mod enums;
mod extras;
mod models;
mod operations;
mod runner;
mod services;
mod shapes;
pub mod types;

use crate::{Result, model::Contract, output::File, output::marker, writer::Writer};

/// What this target owns.
pub const OWNS: &[&str] = &[
    "core/src/generated/",
    "tests/conformance/runners/rust/src/generated/",
];

/// Emits every file of the core and of its conformance runner.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    Ok(vec![
        File::new("core/src/generated/mod.rs", module()),
        File::new("core/src/generated/enums.rs", enums::emit(contract)),
        File::new("core/src/generated/models.rs", models::emit(contract)),
        File::new("core/src/generated/shapes.rs", shapes::emit(contract)),
        File::new(
            "core/src/generated/operations.rs",
            operations::emit(contract),
        ),
        File::new("core/src/generated/services.rs", services::emit(contract)),
        File::new(
            "tests/conformance/runners/rust/src/generated/mod.rs",
            runner::emit(contract),
        ),
    ])
}

fn module() -> String {
    let mut w = rust_file("What the contract says, as data.");
    for name in ["enums", "models", "operations", "services", "shapes"] {
        w.line(format!("pub mod {name};"));
    }
    w.finish()
}

/// A file that begins with the marker and the module's purpose.
fn rust_file(purpose: &str) -> Writer {
    let mut w = Writer::new("    ");
    w.line(format!("// {}", marker()));
    w.line(format!("//! {purpose}")).blank();
    w
}

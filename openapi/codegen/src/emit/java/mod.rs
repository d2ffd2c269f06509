//! The Java SDK's generated half: immutable models and open enums, codecs, services, the operation
//! table, and the conformance runner's dispatch table.
//!
//! Refuses: to know an operation, and to emit anything that a person would edit - the hand-written
//! half lives in `bindings/java/src/main/java`.

mod codec;
mod docs;
mod enums;
mod file;
mod model;
mod names;
mod runner;
mod service;
mod signature;
mod types;

use crate::{
    Result,
    model::{Contract, Model},
    output::File,
};

/// The generated source root; Maven compiles it beside the hand-written one.
const ROOT: &str = "bindings/java/src/main/generated";
const RUNNER: &str = "tests/conformance/runners/java/generated";

/// What this target owns.
pub const OWNS: &[&str] = &[
    "bindings/java/src/main/generated/",
    "tests/conformance/runners/java/generated/",
];

/// Emits the Java surface.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut files = vec![file::models_package()];
    for enumeration in &contract.enums {
        files.push(enums::emit(enumeration));
    }
    for model in used(contract) {
        files.push(model::emit(contract, model));
        files.push(codec::emit(contract, model));
    }
    for section in &contract.sections {
        files.push(service::emit(contract, section));
    }
    files.push(service::operations(contract));
    files.push(service::all(contract));
    files.push(runner::emit(contract));
    Ok(files)
}

/// Models that a caller can meet.
fn used(contract: &Contract) -> impl Iterator<Item = &Model> {
    contract
        .models
        .iter()
        .filter(|m| m.usage.input() || m.usage.output)
}

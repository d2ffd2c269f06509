//! The TypeScript surface of `@sentryagent/idp-sdk`: models, one client class per section, the lists
//! of exports, and the conformance runner's table of public methods.
//!
//! Owns: names and types in TypeScript, doc comments, and which arguments a method takes.
//! Refuses: behaviour. A method is one call of the hand-written base class with the operation's index.

mod arguments;
mod docs;
mod models;
mod naming;
mod runner;
mod samples;
mod services;
mod surface;
mod types;

use crate::{
    Result,
    model::Contract,
    output::{self, File},
    writer::Writer,
};

/// What this target owns.
pub const OWNS: &[&str] = &[
    "bindings/node/ts/generated/",
    "tests/conformance/runners/node/generated/",
];

const FOLDER: &str = "bindings/node/ts/generated";

/// Emits every file of the Node SDK that comes from the contract.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut files = vec![
        File::new(format!("{FOLDER}/enums.ts"), models::enums(contract)),
        File::new(format!("{FOLDER}/models.ts"), models::models(contract)),
        File::new(format!("{FOLDER}/client.ts"), surface::client(contract)),
        File::new(format!("{FOLDER}/index.ts"), surface::index(contract)),
        File::new(format!("{FOLDER}/esm.mts"), surface::esm(contract)),
        File::new(
            format!("{FOLDER}/unsupported.mts"),
            surface::unsupported(contract),
        ),
        File::new(
            "tests/conformance/runners/node/generated/operations.mjs",
            runner::operations(contract),
        ),
    ];
    for section in &contract.sections {
        files.push(File::new(
            format!("{FOLDER}/sections/{}.ts", section.name),
            services::service(contract, section),
        ));
    }
    Ok(files)
}

/// A file that begins with the marker.
fn file() -> Writer {
    let mut w = Writer::new("  ");
    w.line(format!("// {}", output::marker()));
    w
}

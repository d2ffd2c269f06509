//! The server's share of the contract: wire types with their checks, error codes, scopes, the
//! policy table, and one trait with its routes for each section.
//!
//! Owns `server/src/generated/` and `server/policy/data/`. Knows nothing of what a handler does: a generated route only
//! names the operation's facts and calls the section's trait.

mod enums;
mod policy;
mod routes;
mod rust;
mod types;
mod vocabulary;
mod yaml;

use crate::{Result, model::Contract, output::File, writer::Writer};

/// What this target owns.
pub const OWNS: &[&str] = &["server/src/generated/", "server/policy/data/"];

/// Emits the folder.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut files = vec![
        rust::file("codes", vocabulary::codes(contract)),
        rust::file("scopes", vocabulary::scopes(contract)),
        rust::file("policy", policy::emit(contract)),
        rust::file("types", types::emit(contract)?),
        File::new(
            format!("{}openapi.yaml", OWNS[0]),
            yaml::document(&contract.bundle),
        ),
        File::new(format!("{}scopes.json", OWNS[1]), policy::data(contract)),
    ];
    for section in &contract.sections {
        files.push(rust::file(
            &rust::module(&section.name),
            routes::emit(contract, section)?,
        ));
    }
    files.push(rust::file("mod", index(contract)));
    Ok(files)
}

fn index(contract: &Contract) -> String {
    let mut w = Writer::new("    ");
    w.line("//! What the contract in `openapi/` says, as Rust.")
        .blank();
    let mut modules: Vec<String> = ["codes", "policy", "scopes", "types"]
        .map(str::to_owned)
        .to_vec();
    modules.extend(contract.sections.iter().map(|s| rust::module(&s.name)));
    for module in modules {
        w.line(format!("pub mod {module};"));
    }
    w.blank();
    w.line("/// The contract as one JSON document: `GET /openapi.json`.");
    w.line(
        "pub const OPENAPI_JSON: &str = include_str!(\"../../../openapi/agentidp.bundle.json\");",
    );
    w.line("/// The same as YAML: `GET /openapi.yaml`.");
    w.line("pub const OPENAPI_YAML: &str = include_str!(\"openapi.yaml\");");
    w.finish()
}

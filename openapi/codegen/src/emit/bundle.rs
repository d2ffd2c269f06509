//! The contract as one document: what the server serves and what linters and users' tools read.

use crate::{Result, model::Contract, output::File};

/// What this target owns.
pub const OWNS: &[&str] = &["openapi/agentidp.bundle.json"];

/// Emits the bundle.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut text = format!("{:#}", contract.bundle);
    text.push('\n');
    Ok(vec![File::new(OWNS[0], text)])
}

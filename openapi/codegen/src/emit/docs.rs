//! Not written yet.

use crate::{Result, model::Contract, output::File};

/// What this target owns.
pub const OWNS: &[&str] = &[];

/// Emits nothing yet.
pub fn emit(_contract: &Contract) -> Result<Vec<File>> {
    Ok(Vec::new())
}

//! `cargo xtask generate [--check]`.

use agentidp_codegen::output;

use crate::sh::{Result, root};

/// Writes, or only checks, what comes from the contract.
pub fn run(check: bool) -> Result<()> {
    let root = root();
    let contract = agentidp_codegen::load(&root.join("openapi"), "openapi")?;
    let drift = if check {
        output::check(&root, &contract)?
    } else {
        output::write(&root, &contract)?
    };
    for change in &drift {
        println!("{change}");
    }
    if check && !drift.is_empty() {
        return Err(format!(
            "{} generated files differ from the contract; run `{}` and commit what it writes",
            drift.len(),
            output::COMMAND
        )
        .into());
    }
    let operations = contract.operations().count();
    println!(
        "{operations} operations; {} files changed",
        if check { 0 } else { drift.len() }
    );
    Ok(())
}

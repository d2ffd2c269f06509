//! Running `cargo test` and counting what it ran.

use std::process::{Command, Stdio};

use crate::{
    counts::Counts,
    sh::{self, Result},
};

/// Runs it; what failed is printed and counted.
pub fn run(command: &mut Command) -> Result<Counts> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let counts = Counts::of_cargo(&text);
    if !output.status.success() {
        eprintln!("{text}");
        if counts.failed == 0 {
            // Something did not even compile.
            return Err(format!("`cargo test` failed ({})", output.status).into());
        }
    }
    Ok(counts)
}

/// The whole suite of the server's HTTP tests once more, on the store that instances share.
pub fn server_on_postgres() -> Result<Counts> {
    let arguments = [
        "test",
        "--locked",
        // With the features of every other build; only the server has a test of this name.
        "--workspace",
        "--test",
        "api",
    ];
    run(sh::cmd("cargo", arguments).env("AGENTIDP_TEST_STORAGE", "postgres"))
}

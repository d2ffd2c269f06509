//! Running `cargo test` and counting what it ran.

use std::process::{Command, Stdio};

use crate::{
    languages::Counts,
    sh::{self, Result},
};

/// Runs it; what failed is printed and counted.
pub fn run(command: &mut Command) -> Result<Counts> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let counts = counts(&text);
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
        "--package",
        "agentidp-server",
        "--test",
        "api",
    ];
    run(sh::cmd("cargo", arguments).env("AGENTIDP_TEST_STORAGE", "postgres"))
}

/// Adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn counts(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output
        .lines()
        .filter_map(|l| l.trim().strip_prefix("test result:"))
    {
        let mut before = "";
        for word in line.split_whitespace() {
            let number = || before.parse::<u32>().unwrap_or_default();
            match word.trim_end_matches(';') {
                "passed" => counts.passed += number(),
                "failed" => counts.failed += number(),
                "ignored" => counts.skipped += number(),
                _ => {}
            }
            before = word;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_binaries_add_up() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\
                      test result: FAILED. 3 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out\n";
        let expected = Counts {
            passed: 5,
            failed: 1,
            skipped: 4,
        };
        assert_eq!(counts(output), expected);
    }
}

//! Building the workspace's Rust with the dev profile: always all of it, by one command.
//!
//! Cargo takes a dependency's features from the packages that a command names. Built package by package, tokio,
//! hyper, sqlx and 280 other libraries were compiled twice to six times, a third of a cold run.

use std::path::PathBuf;

use crate::sh::{self, Result};

/// Every library and program of the workspace, so the bindings' libraries too; no tests.
pub fn build() -> Result<()> {
    run(&["build", "--quiet", "--lib", "--bins"])
}

/// The same and the tests, as `cargo test --workspace` takes them.
pub fn build_tests() -> Result<()> {
    run(&["build", "--quiet", "--all-targets"])
}

fn run(arguments: &[&str]) -> Result<()> {
    // There are no examples; naming them lets the features of dev-dependencies count here as in the tests.
    sh::run(sh::cmd("cargo", arguments).args(["--locked", "--workspace", "--examples"]))
}

/// Where `build` puts a program.
pub fn program(name: &str) -> PathBuf {
    sh::target()
        .join("debug")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

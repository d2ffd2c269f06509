//! The leak check: every language's runner makes many calls against the canned server of the
//! benchmarks, and its memory must stay flat.

use crate::{
    conformance,
    sh::{self, Result},
    workspace,
};

/// Calls of each runner in `cargo xtask test`: enough for a forgotten answer to show.
pub const SHORT_CALLS: u64 = 40_000;

/// Runs it with that many calls; needs the languages' builds.
pub fn run(calls: u64, language: Option<&str>) -> Result<String> {
    workspace::build()?;
    let program = |name: &str| workspace::program(name).display().to_string();
    let mut arguments = vec![
        "--server".to_owned(),
        serde_json::to_string(&[program("bench"), "serve".to_owned()])?,
        "--calls".to_owned(),
        calls.to_string(),
    ];
    arguments.extend(conformance::runners(language)?);
    sh::tee(&mut sh::cmd(&program("leaks"), &arguments))
}

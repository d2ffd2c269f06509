//! The same few verbs in every language: build, lint, test, package, try the package, run the
//! example, run the conformance runner.

use std::{path::PathBuf, process::Command};

use crate::{counts::Counts, sh::Result};

pub mod go;
pub mod java;
mod node;
mod python;
mod rust;

/// A program of one language that a judge drives: a conformance runner, which speaks the runner
/// protocol on its standard streams, or an adapter's example.
pub struct Runner {
    /// `python-async`, `python-fastapi`: the column's name in the matrix.
    pub name: &'static str,
    /// How it is started.
    pub command: Command,
}

impl Runner {
    /// `name=["env", "NAME=value", "program", "argument"]`: how a judge takes it. A program's own
    /// environment travels as `env`, the one program that every system has for it.
    pub fn argument(&self) -> Result<String> {
        let command = &self.command;
        let vars = command
            .get_envs()
            .filter_map(|(k, v)| Some(format!("{}={}", k.to_string_lossy(), v?.to_string_lossy())));
        let program = std::iter::once(command.get_program()).chain(command.get_args());
        let all: Vec<String> = std::iter::once("env".to_owned())
            .chain(vars)
            .chain(program.map(|s| s.to_string_lossy().into_owned()))
            .collect();
        Ok(format!("{}={}", self.name, serde_json::to_string(&all)?))
    }
}

/// One language of the SDK family.
pub trait Language {
    /// `python`: also the folder below bindings/, examples/ and tests/conformance/runners/.
    fn name(&self) -> &'static str;
    /// The toolchain's version, or a sentence that says how to add it.
    fn toolchain(&self) -> Result<String>;
    /// Builds what the example and the runner need, with the dev profile, inside the tree and target/.
    fn build(&self) -> Result<()>;
    /// Formatters and linters, all in check mode.
    fn lint(&self) -> Result<()>;
    /// Unit tests of the binding; needs `build`.
    fn test(&self) -> Result<Counts>;
    /// Makes the installable artefact in dist/ with the release profile and returns its path.
    fn package(&self) -> Result<PathBuf>;
    /// Installs the artefact in a clean environment below target/xtask/ and returns the command
    /// that runs the example against that installation.
    fn packaged(&self) -> Result<Command>;
    /// The quick start in examples/<name>; the caller sets AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID
    /// and AGENTIDP_CLIENT_SECRET. Needs `build`.
    fn example(&self) -> Result<Command>;
    /// The conformance runners; needs `build`.
    fn runners(&self) -> Result<Vec<Runner>>;
    /// The examples of the verifier's adapters, `verify-<adapter>` in examples/<name>; the judge in
    /// tests/adapters sets ISSUER, AUDIENCE and PORT. Needs `build`.
    fn adapters(&self) -> Result<Vec<Runner>> {
        Ok(Vec::new())
    }
}

/// Every language, in the order of the tables.
pub fn all() -> Vec<Box<dyn Language>> {
    vec![
        Box::new(rust::Rust),
        Box::new(python::Python),
        Box::new(node::Node),
        Box::new(go::Go),
        Box::new(java::Java),
    ]
}

/// The language of that name.
pub fn named(name: &str) -> Result<Box<dyn Language>> {
    let names: Vec<&str> = all().iter().map(|l| l.name()).collect();
    let known = names.join(", ");
    all()
        .into_iter()
        .find(|l| l.name() == name)
        .ok_or_else(|| format!("`{name}` is no language here; there are: {known}").into())
}

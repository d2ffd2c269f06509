//! The verifier's adapters in every language: the examples, run and judged by tests/adapters.

use crate::{
    languages,
    sh::{self, Result},
    workspace,
};

/// Runs the judge over the built examples of one language or all.
pub fn run(language: Option<&str>) -> Result<String> {
    workspace::build()?;
    let mut arguments = Vec::new();
    for language in languages::all()
        .iter()
        .filter(|l| language.is_none_or(|n| n == l.name()))
    {
        for adapter in language.adapters()? {
            arguments.push("--adapter".to_owned());
            arguments.push(adapter.argument()?);
        }
    }
    let judge = workspace::program("adapter-judge");
    sh::tee(&mut sh::cmd(&judge.display().to_string(), &arguments))
}

//! The conformance suite in every language, and the proof that it can fail.

use crate::{
    languages,
    server::{self, Server},
    sh::{self, Result},
    workspace,
};

/// The JSON key that is broken on purpose for the proof.
const BROKEN_KEY: &str = "agentType";

/// Runs the suite; with `broken` one key of the real server's answers is renamed, and every
/// runner must turn red.
pub fn run(only: Option<&str>, language: Option<&str>, broken: bool) -> Result<String> {
    let server = server::build()?;
    let mut arguments = vec![
        "--cases".to_owned(),
        sh::root().join("tests/conformance").display().to_string(),
        "--contract".to_owned(),
        sh::root().join("openapi").display().to_string(),
    ];
    let found = runners(language)
        .map_err(|e| format!("a runner is missing ({e}): `cargo xtask build` builds them"))?;
    arguments.extend(found);
    if let Some(only) = only {
        arguments.extend(["--only".into(), only.into()]);
    }
    if broken {
        arguments.extend(["--broken".into(), BROKEN_KEY.into()]);
    }
    let server = Server::start(&server)?;
    arguments.extend(["--base-url".into(), server.base_url.clone()]);
    let host = workspace::program("conformance-host");
    let mut command = sh::cmd(&host.display().to_string(), &arguments);
    command
        .env("CONFORMANCE_CLIENT_ID", &server.client_id)
        .env("CONFORMANCE_CLIENT_SECRET", &server.client_secret);
    let output = sh::tee(&mut command);
    server.stop()?;
    output
}

/// `--runner <argument>` for every runner, or for those of one language.
pub fn runners(language: Option<&str>) -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    for language in languages::all()
        .iter()
        .filter(|l| language.is_none_or(|n| n == l.name()))
    {
        for runner in language.runners()? {
            arguments.push("--runner".into());
            arguments.push(runner.argument()?);
        }
    }
    Ok(arguments)
}

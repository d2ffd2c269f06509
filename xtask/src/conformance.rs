//! The conformance suite in every language, and the proof that it can fail.

use crate::{
    languages,
    server::{self, Server},
    sh::{self, Result},
};

/// The JSON key that is broken on purpose for the proof.
const BROKEN_KEY: &str = "agentType";

/// Runs the suite; with `broken` one key of the real server's answers is renamed, and every
/// runner must turn red.
pub fn run(only: Option<&str>, language: Option<&str>, broken: bool) -> Result<String> {
    sh::run(&mut sh::cmd(
        "cargo",
        ["build", "--quiet", "--package", "conformance-host"],
    ))?;
    let binary = server::build()?;
    let mut arguments = vec![
        "--cases".to_owned(),
        sh::root().join("tests/conformance").display().to_string(),
        "--contract".to_owned(),
        sh::root().join("openapi").display().to_string(),
    ];
    arguments.extend(runners(language)?);
    if let Some(only) = only {
        arguments.extend(["--only".into(), only.into()]);
    }
    if broken {
        arguments.extend(["--broken".into(), BROKEN_KEY.into()]);
    }
    let server = Server::start(&binary)?;
    arguments.extend(["--base-url".into(), server.base_url.clone()]);
    let host = sh::target().join("debug").join("conformance-host");
    let mut command = sh::cmd(&host.display().to_string(), &arguments);
    command
        .env("CONFORMANCE_CLIENT_ID", &server.client_id)
        .env("CONFORMANCE_CLIENT_SECRET", &server.client_secret);
    let output = sh::tee(&mut command);
    server.stop()?;
    output
}

/// `--runner name=["program",…]` for every runner, or for those of one language.
pub fn runners(language: Option<&str>) -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    for language in languages::all()
        .iter()
        .filter(|l| language.is_none_or(|n| n == l.name()))
    {
        for runner in language.runners()? {
            let command = &runner.command;
            let parts: Vec<String> = std::iter::once(command.get_program())
                .chain(command.get_args())
                .map(|s| s.to_string_lossy().into_owned())
                .collect();
            // A runner's own environment travels as `env`, the one program that every system has for it.
            let vars: Vec<String> = command
                .get_envs()
                .filter_map(|(k, v)| {
                    Some(format!("{}={}", k.to_string_lossy(), v?.to_string_lossy()))
                })
                .collect();
            let all: Vec<String> = std::iter::once("env".to_owned())
                .chain(vars)
                .chain(parts)
                .collect();
            arguments.push("--runner".into());
            arguments.push(format!("{}={}", runner.name, serde_json::to_string(&all)?));
        }
    }
    Ok(arguments)
}

//! Reads the conformance cases once and drives every language's runner through all of them,
//! against the real server and a scripted one.
//!
//! Owns: the cases' format, the scripted server, the judging. Refuses: any knowledge of a
//! language; a runner is a program that speaks the protocol of [`runner`].

mod case;
mod coverage;
mod judge;
mod matrix;
mod pattern;
mod real;
mod runner;
mod scripted;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use futures_util::StreamExt as _;

use case::{Case, Result};
use matrix::{Matrix, Outcome};

/// Cases that one runner is asked to run at the same time.
const CASES_AT_ONCE: usize = 8;

#[derive(Parser)]
struct Args {
    /// The folder with one folder of cases for each section.
    #[arg(long)]
    cases: PathBuf,
    /// The folder of the contract.
    #[arg(long)]
    contract: PathBuf,
    /// The real server.
    #[arg(long)]
    base_url: String,
    /// Its bootstrap admin.
    #[arg(long, env = "CONFORMANCE_CLIENT_ID")]
    client_id: String,
    /// The admin's secret.
    #[arg(long, env = "CONFORMANCE_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
    /// A runner: `name=["program","argument"]`.
    #[arg(long = "runner")]
    runners: Vec<String>,
    /// Only cases whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Rename this JSON key in every answer of the real server; then every runner must fail.
    #[arg(long)]
    broken: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    // The process-global default is only for this harness's own plain-HTTP client.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(&Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<bool> {
    let contract = agentidp_codegen::load(&args.contract, "openapi").map_err(|e| e.to_string())?;
    let sections: Vec<String> = contract.sections.iter().map(|s| s.name.clone()).collect();
    let mut cases = case::read_all(&args.cases, &sections)?;
    // A part of the cases cannot cover the contract.
    let (missing, unknown) = match args.only {
        None => coverage::compare(&contract, &cases),
        Some(_) => (Vec::new(), Vec::new()),
    };
    if let Some(only) = &args.only {
        cases.retain(|c| c.name.contains(only.as_str()));
    }
    if args.broken.is_some() {
        cases.retain(|c| c.server == case::ServerKind::Real);
    }
    let real = real::Real::connect(
        &args.base_url,
        &args.client_id,
        &args.client_secret,
        args.broken.as_deref(),
    )
    .await?;
    let mut matrix = Matrix::default();
    let mut clean = true;
    let mut names = Vec::new();
    for spec in &args.runners {
        let (name, command) = spec
            .split_once('=')
            .ok_or("a runner is name=[\"program\",…]")?;
        let command: Vec<String> =
            serde_json::from_str(command).map_err(|e| format!("{name}: {e}"))?;
        names.push(name.to_owned());
        clean &= run_all(
            name,
            &command,
            &cases,
            &real,
            &mut matrix,
            args.broken.is_some(),
        )
        .await?;
    }
    matrix.print();
    if let Some(key) = &args.broken {
        let green: Vec<&String> = names.iter().filter(|n| matrix.failed(n) == 0).collect();
        if green.is_empty() {
            println!(
                "with `{key}` broken in the server's answers every runner is red, as it must be"
            );
            return Ok(true);
        }
        return Err(format!(
            "`{key}` is broken in the server's answers, yet these runners see nothing: {green:?}"
        ));
    }
    let (passed, failed, skipped) = matrix.totals();
    for gap in &missing {
        println!("no case covers: {gap}");
    }
    for claim in &unknown {
        println!("a case claims to cover what the contract does not have: {claim}");
    }
    let gaps = u32::try_from(missing.len() + unknown.len()).unwrap_or(u32::MAX);
    println!("{} cases, {} runners", cases.len(), names.len());
    println!(
        "conformance: {passed} passed, {} failed, {skipped} skipped",
        failed + gaps
    );
    Ok(clean && failed == 0 && gaps == 0)
}

/// All cases through one runner. False when the runner itself misbehaved.
async fn run_all(
    name: &str,
    command: &[String],
    cases: &[Case],
    real: &real::Real,
    matrix: &mut Matrix,
    quiet: bool,
) -> Result<bool> {
    let runner = runner::Runner::start(name, command).await?;
    eprintln!("{name}: {}", runner.ready);
    let runner_ref = &runner;
    let mut outcomes = futures_util::stream::iter(cases)
        .map(|case| async move {
            if let Some(reason) = case.skip.get(name) {
                return (case, Outcome::Skipped(reason.clone()));
            }
            match judge::run(case, runner_ref, real).await {
                Ok(()) => (case, Outcome::Passed),
                Err(why) => (case, Outcome::Failed(why)),
            }
        })
        .buffered(CASES_AT_ONCE);
    while let Some((case, outcome)) = outcomes.next().await {
        matrix.add(&case.section, name, &outcome);
        match &outcome {
            Outcome::Failed(why) if !quiet => println!(
                "FAILED {name} · {} · {}\n       {why}",
                case.section, case.name
            ),
            Outcome::Skipped(why) => {
                println!("skipped {name} · {} · {}: {why}", case.section, case.name)
            }
            _ => {}
        }
    }
    drop(outcomes);
    Ok(match runner.exit().await {
        Ok(()) => true,
        Err(why) => {
            println!("FAILED {why}");
            false
        }
    })
}

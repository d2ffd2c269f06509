//! The conformance suite's command line: all cases, every runner, one table.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use futures_util::StreamExt as _;

use conformance_host::{
    case::{self, Case, Result},
    coverage, judge,
    matrix::{Matrix, Outcome},
    real, runner, unknown,
};

/// Cases that one runner is asked to run at the same time.
const CASES_AT_ONCE: usize = 8;
/// The folder of cases that belong to no section: how the SDKs behave whatever they call.
const BEHAVIOUR: &str = "behaviour";

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
    let folders: Vec<String> = sections.into_iter().chain([BEHAVIOUR.to_owned()]).collect();
    let mut cases = case::read_all(&args.cases, &folders)?;
    let sensitive: BTreeSet<String> = contract
        .operations()
        .filter(|o| o.sensitive)
        .map(|o| o.id.clone())
        .collect();
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
    let mut matrix = Matrix::of(cases.iter().map(|c| c.section.as_str()));
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
            Conditions {
                sensitive: &sensitive,
                quiet: args.broken.is_some(),
            },
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

/// What holds for all runners of a run.
struct Conditions<'a> {
    /// Operations whose answers hold secrets.
    sensitive: &'a BTreeSet<String>,
    /// Failures are expected.
    quiet: bool,
}

/// All cases through one runner. False when the runner itself misbehaved.
async fn run_all(
    name: &str,
    command: &[String],
    cases: &[Case],
    real: &real::Real,
    matrix: &mut Matrix,
    conditions: Conditions<'_>,
) -> Result<bool> {
    let runner = runner::Runner::start(name, command, conditions.sensitive.clone()).await?;
    eprintln!("{name}: {}", runner.ready);
    let unknown = unknown::Unknown::learn(&runner).await;
    let runner_ref = &runner;
    let unknown_ref = &unknown;
    let (last, first): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|c| c.no_secret_shows);
    // A log keeps its latest lines only: those who read it go before those who fill it.
    let (readers, others): (Vec<&Case>, Vec<&Case>) =
        first.into_iter().partition(|c| c.reads_log());
    for together in [readers, others] {
        let mut outcomes = futures_util::stream::iter(together)
            .map(|case| async move { (case, one(case, runner_ref, real, unknown_ref).await) })
            .buffered(CASES_AT_ONCE);
        while let Some((case, outcome)) = outcomes.next().await {
            tell(name, case, &outcome, matrix, conditions.quiet);
        }
    }
    let mut at_the_end = Vec::new();
    for case in last {
        at_the_end.push((case, one(case, &runner, real, &unknown).await));
    }
    if let Ok(mut all) = runner.cancellations.lock() {
        matrix.cancellations(name, median(&mut all));
    }
    let ended = runner.exit().await;
    for (case, mut outcome) in at_the_end {
        if let (Outcome::Passed, Ok(transcript)) = (&outcome, &ended) {
            let (leaks, texts, secrets) = transcript.leaks();
            println!("{name}: {texts} texts searched for {secrets} secrets");
            if !leaks.is_empty() {
                outcome = Outcome::Failed(leaks.join("\n       "));
            }
        }
        tell(name, case, &outcome, matrix, conditions.quiet);
    }
    Ok(match ended {
        Ok(_) => true,
        Err(why) => {
            println!("FAILED {why}");
            false
        }
    })
}

async fn one(
    case: &Case,
    runner: &runner::Runner,
    real: &real::Real,
    unknown: &unknown::Unknown,
) -> Outcome {
    if let Some(reason) = case.skip.get(&runner.name) {
        return Outcome::Skipped(reason.clone());
    }
    match judge::run(case, runner, real).await {
        Ok(()) => Outcome::Passed,
        Err(why) => match unknown.verb(&why) {
            Some(verb) => Outcome::Skipped(format!("not yet: {verb}")),
            None => Outcome::Failed(why),
        },
    }
}

fn tell(name: &str, case: &Case, outcome: &Outcome, matrix: &mut Matrix, quiet: bool) {
    matrix.add(&case.section, name, outcome);
    match outcome {
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

fn median(all: &mut [Duration]) -> Option<Duration> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

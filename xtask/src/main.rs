//! The project's one tool. `cargo xtask help` lists the commands.

mod adapters;
mod bench;
mod cargo_test;
mod conformance;
mod counts;
mod debian;
mod demo;
mod generate;
mod languages;
mod leaks;
mod server;
mod sh;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Demo, test, generate, bench, package, tidy"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build, start the server on its embedded default, run the quick start in every language
    Demo,
    /// Everything: lints, unit tests, conformance in all languages, installed artefacts
    Test {
        /// Only stages whose name contains this
        #[arg(long)]
        only: Option<String>,
    },
    /// Build every language's binding, example and runner with the dev profile
    Build {
        /// Only this language
        #[arg(long)]
        language: Option<String>,
    },
    /// Make a language's installable artefact in dist/
    Package {
        /// The language
        language: String,
    },
    /// Check names, sizes and leftovers
    Tidy,
    /// The conformance suite alone
    Conformance {
        /// Only cases whose name contains this
        #[arg(long)]
        only: Option<String>,
        /// Only this language
        #[arg(long)]
        language: Option<String>,
        /// Break one field of the server's answers; every language must turn red
        #[arg(long)]
        broken: bool,
    },
    /// The examples of the verifier's adapters, against an issuer that also lies
    Adapters {
        /// Only this language
        #[arg(long)]
        language: Option<String>,
    },
    /// Memory of every language's runner over many calls; it must stay flat
    Leaks {
        /// Calls of each runner after its warm-up
        #[arg(long, default_value_t = 1_000_000)]
        calls: u64,
        /// Only this language
        #[arg(long)]
        only: Option<String>,
    },
    /// Project and peers in turns, with the release profile; writes docs/benchmarks.md
    Bench {
        /// Rounds after the warm-up
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(5..))]
        rounds: u32,
        /// Only rust, python, node, go, java (also python-async, python-sync, go-cgo, go-purego), or one of
        /// the first five after `verify-`: printed, not written. Or server, which is not in the run of all: writes
        /// docs/benchmarks-server.md
        #[arg(long)]
        only: Option<String>,
    },
    /// Write everything that comes from the contract in openapi/
    Generate {
        /// Change nothing; fail when something is stale, orphaned or edited by hand
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo => demo::run(),
        Command::Test { only } => test::run(only.as_deref()),
        Command::Build { language } => languages::all()
            .iter()
            .filter(|l| language.as_deref().is_none_or(|n| n == l.name()))
            .try_for_each(|l| l.build()),
        Command::Package { language } => languages::named(&language)
            .and_then(|l| l.package())
            .map(|artefact| println!("{}", artefact.display())),
        Command::Tidy => tidy::run(),
        Command::Conformance {
            only,
            language,
            broken,
        } => conformance::run(only.as_deref(), language.as_deref(), broken).map(|_| ()),
        Command::Adapters { language } => adapters::run(language.as_deref()).map(|_| ()),
        Command::Leaks { calls, only } => leaks::run(calls, only.as_deref()).map(|_| ()),
        Command::Bench { rounds, only } => bench::run(rounds, only.as_deref()),
        Command::Generate { check } => generate::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

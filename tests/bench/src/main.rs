//! The benchmarks: project and peers take turns in one run, against one loopback server.
//!
//! Owns: the server, the Rust clients, the turns, the report. Refuses: building and installing what
//! is measured; `cargo xtask bench` does that and then calls `bench run`.

mod canned;
mod clients;
mod contest;
mod machine;
mod protocol;
mod report;
mod run;
mod server;
mod stats;
mod worker;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Any failure: one sentence.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the canned answers on a free loopback port; the first line printed is the base URL.
    Serve,
    /// Be one of the Rust clients and obey the lines on standard input.
    Client {
        name: clients::Name,
        base_url: String,
    },
    /// Let all clients take turns and print the table.
    Run {
        /// The interpreter that has the wheel and the peers.
        #[arg(long)]
        python: PathBuf,
        /// The folder of the Python workers.
        #[arg(long)]
        workers: PathBuf,
        /// The folder of the Node worker, with the package and the peers installed.
        #[arg(long)]
        node_workers: PathBuf,
        /// The jar of the Java worker, with the package and the peer beside it.
        #[arg(long)]
        java_worker: PathBuf,
        /// Rounds after the warm-up.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(5..))]
        rounds: u32,
        /// Only the contest of this name.
        #[arg(long)]
        only: Option<contest::Name>,
        /// The file that the report replaces.
        #[arg(long)]
        report: Option<PathBuf>,
        /// The command that the report tells.
        #[arg(long, default_value = "bench run")]
        shown_command: String,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Serve => server::serve(),
        Command::Client { name, base_url } => worker::work(name, &base_url),
        Command::Run {
            python,
            workers,
            node_workers,
            java_worker,
            rounds,
            only,
            report,
            shown_command,
        } => run::run(&run::Plan {
            python,
            workers,
            node_workers,
            java_worker,
            rounds,
            only,
            report,
            shown_command,
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! The benchmarks: project and peers take turns in one run, against one loopback server; and the
//! project's own server against its targets ([`served`]).
//!
//! Owns: the canned server, the Rust clients, the turns, the reports. Refuses: building and installing what
//! is measured; `cargo xtask bench` does that and then calls `bench run`.

mod canned;
mod clients;
mod contest;
mod issuer;
mod machine;
mod protocol;
mod report;
mod run;
mod served;
mod server;
mod stats;
mod verifiers;
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
    /// Be the generator of load and obey the lines on standard input.
    Load,
    /// Measure the project's server and print the tables.
    Served {
        /// Its release binary.
        #[arg(long)]
        server: PathBuf,
        /// Rounds after the warm-up.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..))]
        rounds: u32,
        /// How many agents are stored where it is read and started.
        #[arg(long, default_value_t = 100_000)]
        agents: u64,
        /// Only rows whose title contains this: printed, not written.
        #[arg(long)]
        only: Option<String>,
        /// The file that the report replaces.
        #[arg(long)]
        report: Option<PathBuf>,
        /// The command that the report tells.
        #[arg(long, default_value = "bench served")]
        shown_command: String,
    },
    /// Let all clients take turns and print the table.
    Run {
        /// The interpreter that has the wheel and the peers.
        #[arg(long)]
        python: Option<PathBuf>,
        /// The folder of the Python workers.
        #[arg(long)]
        workers: Option<PathBuf>,
        /// The folder of the Node worker, with the package and the peers installed.
        #[arg(long)]
        node_workers: Option<PathBuf>,
        /// The program of the Go worker; it finds the library by `AGENTIDP_LIBRARY`.
        #[arg(long)]
        go_worker: Option<PathBuf>,
        /// The program of the Go worker that has the library linked in.
        #[arg(long)]
        go_cgo_worker: Option<PathBuf>,
        /// The jar of the Java worker, with the package and the peers beside it.
        #[arg(long)]
        java_worker: Option<PathBuf>,
        /// Rounds after the warm-up.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(5..))]
        rounds: u32,
        /// Only the contest of this name, or those whose names begin with it: `go-cgo`, `go`.
        #[arg(long)]
        only: Option<String>,
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
        Command::Load => served::obey(),
        Command::Served {
            server,
            rounds,
            agents,
            only,
            report,
            shown_command,
        } => served::run(&served::Plan {
            server,
            rounds,
            agents,
            only,
            report,
            shown_command,
        }),
        Command::Run {
            python,
            workers,
            node_workers,
            go_worker,
            go_cgo_worker,
            java_worker,
            rounds,
            only,
            report,
            shown_command,
        } => run::run(&run::Plan {
            python,
            workers,
            node_workers,
            go_worker,
            go_cgo_worker,
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

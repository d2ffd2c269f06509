//! The command line: one function a command, one exit code a kind of failure.
//!
//! 0 is success, 1 a failure that is named in one line, 2 a wrong command line, 78 a wrong
//! configuration.

mod audit;
mod care;
mod healthcheck;
mod keys;
mod logging;
mod maintain;
mod mock;
mod serve;

use std::{net::IpAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    app::StartError,
    config::{Config, ConfigError, EXIT_CODE, Source},
    generated::{OPENAPI_JSON, OPENAPI_YAML},
};

/// The identity provider for AI agents.
#[derive(Debug, Parser)]
#[command(name = "agentidp", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests until SIGTERM or SIGINT; needs no configuration
    Serve(Flags),
    /// Bring the database to this version's schema and end
    Migrate(Flags),
    /// Make the first organization and its admin, or give the admin a new secret
    Bootstrap {
        #[command(flatten)]
        flags: Flags,
        /// Revoke the admin's credentials and write a new one to bootstrap.json
        #[arg(long)]
        reset: bool,
    },
    /// Look after the keys of the store
    Keys {
        #[command(subcommand)]
        action: keys::Action,
    },
    /// Look into the audit log, with or without servers running on the store
    Audit {
        #[command(subcommand)]
        action: audit::Action,
    },
    #[command(flatten)]
    Care(care::Action),
    /// A server for the tests of programs that call AgentIdP: a store of its own that is removed at
    /// the end, no rate limits, a clock that stands, faults on demand; ends when standard input does
    Mock {
        /// Port to listen on; 0 takes any free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Print where it listens and how to log in as one line of JSON, not for a shell
        #[arg(long)]
        json: bool,
    },
    /// Print the contract
    Openapi {
        /// In which form
        #[arg(long, value_enum, default_value_t = Form::Json)]
        format: Form,
    },
    /// Ask a running server how it is; exit code 0 when it answers 200
    Healthcheck {
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Json,
    Yaml,
}

/// Flags win over the environment and the `.env` file.
#[derive(Debug, Default, Args)]
struct Flags {
    /// Port to listen on; 0 takes any free one [env: PORT] [default: 3000]
    #[arg(long)]
    port: Option<u16>,
    /// Address to listen on [env: HOST] [default: 127.0.0.1]
    #[arg(long)]
    host: Option<IpAddr>,
    /// Folder of the database, generated keys and bootstrap.json [env: AGENTIDP_DATA_DIR] [default: ./.agentidp]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// sqlite://<path> or postgres://<role>@<host>/<database> [env: DATABASE_URL] [default: a file in the data folder]
    #[arg(long)]
    database_url: Option<String>,
}

impl Flags {
    fn source(&self) -> Result<Source, ConfigError> {
        let mut source = Source::of_process()?;
        let given = [
            ("PORT", self.port.map(|p| p.to_string())),
            ("HOST", self.host.map(|h| h.to_string())),
            (
                "AGENTIDP_DATA_DIR",
                self.data_dir.as_ref().map(|d| d.display().to_string()),
            ),
            ("DATABASE_URL", self.database_url.clone()),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                source.set(name, value);
            }
        }
        Ok(source)
    }

    fn config(&self) -> Result<(Config, Source), ConfigError> {
        let source = self.source()?;
        Ok((Config::load(&source)?, source))
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(flags) => serve::run(&flags),
        Command::Mock { port, json } => mock::run(port, json),
        Command::Migrate(flags) => maintain::migrate(&flags),
        Command::Bootstrap { flags, reset } => maintain::bootstrap(&flags, reset),
        Command::Keys { action } => keys::run(&action),
        Command::Audit { action } => audit::run(&action),
        Command::Care(action) => care::run(&action),
        Command::Healthcheck { flags } => healthcheck::run(&flags),
        Command::Openapi { format } => {
            print(match format {
                Form::Json => OPENAPI_JSON,
                Form::Yaml => OPENAPI_YAML,
            });
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agentidp: {error}");
            match error {
                StartError::Config(_) => ExitCode::from(EXIT_CODE),
                StartError::Failed(_) => ExitCode::FAILURE,
            }
        }
    }
}

/// To standard output; a reader that closed it early has had enough.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A runtime for a command that does one thing.
fn run_once<T>(work: impl Future<Output = Result<T, StartError>>) -> Result<T, StartError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::failed)?
        .block_on(work)
}

//! Log lines: to standard output, for people on a terminal, as JSON otherwise; the mock's to
//! standard error, because its output is read by programs. What may be logged
//! is decided where it is logged; secrets have a type that masks itself.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::LogFormat;

/// Starts logging for the whole process. `RUST_LOG` says what is shown; `info` when it is absent.
pub fn start(format: Option<LogFormat>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let on_terminal = std::io::stdout().is_terminal();
    let format = format.unwrap_or(if on_terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let lines = fmt().with_env_filter(filter).with_ansi(on_terminal);
    // Fails only when the process has a subscriber already, which then is the one that counts.
    let _ = match format {
        LogFormat::Pretty => lines.with_target(false).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
    report_panics();
}

/// Starts logging to standard error: errors only, unless `RUST_LOG` says otherwise.
pub fn start_on_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    let _ = fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .try_init();
    report_panics();
}

fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic was caught; this is a bug");
    }));
}

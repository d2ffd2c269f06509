//! Log lines: to standard output, for people on a terminal, as JSON otherwise; the mock's to
//! standard error, because its output is read by programs. What may be logged
//! is decided where it is logged; secrets have a type that masks itself.

use std::io::IsTerminal;

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};

use crate::{
    config::LogFormat,
    telemetry::{self, Traces},
};

/// What is shown without a `RUST_LOG`. PostgreSQL's notices say at each start that the schema is there.
const SHOWN: &str = "info,sqlx::postgres::notice=warn";

/// Starts logging for the whole process; `filter` is a `RUST_LOG` that was found good. Spans that are meant for a
/// collector go there and nowhere else.
pub fn start(format: Option<LogFormat>, filter: Option<&str>, traces: Option<&Traces>) {
    let mut shown = EnvFilter::new(filter.unwrap_or(SHOWN));
    if let Ok(not_these) = format!("{}=off", telemetry::TARGET).parse() {
        shown = shown.add_directive(not_these);
    }
    let on_terminal = std::io::stdout().is_terminal();
    let format = format.unwrap_or(if on_terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let lines = fmt::layer().with_ansi(on_terminal);
    let lines = match format {
        LogFormat::Pretty => lines.with_target(false).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    // Fails only when the process has a subscriber already, which then is the one that counts. A layer that is absent is
    // left out, not `None`: that one would make lines disappear that come after a span that nobody asked for.
    let _ = match traces {
        None => registry().with(lines).with(shown).try_init(),
        Some(traces) => registry()
            .with(lines.with_filter(shown))
            .with(traces.layer())
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

//! `docs/benchmarks-server.md`, and the tables that the terminal shows.

use std::fmt::Write as _;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Case, Findings, Plan, Score, Target};
use crate::{
    machine,
    report::thousands,
    stats::{Spread, ratios, spread},
};

const RATES: &str = "\
| | calls/s, 64 in flight | calls for each CPU s of the server | server, of a core | wanted | |
|---|--:|--:|--:|--:|---|
";
const LATENCIES: &str = "\
| | calls/s | p50, ms | p99, ms | wanted, ms | |
|---|--:|--:|--:|--:|---|
";
const SIZES: &str = "\
| | | wanted | |
|---|--:|--:|---|
";

/// Milliseconds from the start to the first answer.
const START_MAX: f64 = 100.0;
/// MiB.
const IDLE_MAX: f64 = 40.0;
const LOADED_MAX: f64 = 256.0;
const BINARY_MAX: f64 = 40.0;

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

fn over(scores: &[Score], value: impl Fn(&Score) -> f64) -> Spread {
    spread(scores.iter().map(value))
}

/// A median with lowest and highest.
fn shown(value: Spread) -> String {
    let [median, low, high] = [value.median, value.low, value.high].map(thousands);
    format!("{median} ({low} to {high})")
}

/// All tables. Writing to a string cannot fail.
pub fn tables(found: &Findings) -> String {
    let mut text = format!("### Rates\n{RATES}");
    for case in &found.cases {
        let _ = writeln!(text, "{}", rate_row(case, found));
    }
    let _ = write!(text, "\n### Latencies at half of that load\n{LATENCIES}");
    for case in &found.cases {
        let _ = writeln!(text, "{}", latency_row(case));
    }
    let _ = write!(text, "\n### Start, memory, size\n{SIZES}");
    for (what, value, unit, most) in sizes(found) {
        let met = verdict(value <= most);
        let _ = writeln!(text, "| {what} | {value:.0} {unit} | {most:.0} | {met} |");
    }
    let signing = spread(found.signing.iter().copied());
    let durable = spread(found.durable.iter().copied());
    let _ = write!(
        text,
        "\n### Beside it\n- `openssl speed -multi 2 rsa2048`: one core signs {} times a second\n\
         - writing 4 KiB and `fdatasync` where the data folders are: {} µs\n",
        shown(signing),
        shown(durable)
    );
    text
}

fn rate_row(case: &Case, found: &Findings) -> String {
    let rate = over(&case.full, Score::rate);
    let efficiency = over(&case.full, Score::for_cpu_second);
    let used = over(&case.full, |s| s.server / s.taken.seconds).median * 100.0;
    let (wanted, met) = match case.target {
        Target::Rate(wanted) => (
            format!("{}/s", thousands(wanted)),
            verdict(rate.median >= wanted).to_owned(),
        ),
        Target::OfSigning(wanted) => {
            let each: Vec<f64> = case.full.iter().map(Score::for_cpu_second).collect();
            let part = ratios(&each, &found.signing);
            let met = verdict(part.median >= wanted);
            (
                format!("{:.0} % of what one core signs", wanted * 100.0),
                format!("{:.0} %: {met}", part.median * 100.0),
            )
        }
        Target::None => (String::new(), String::new()),
    };
    let (rate, efficiency) = (shown(rate), thousands(efficiency.median));
    let title = case.title;
    format!("| {title} | {rate} | {efficiency} | {used:.0} % | {wanted} | {met} |")
}

fn latency_row(case: &Case) -> String {
    let rate = thousands(over(&case.half, Score::rate).median);
    let p50 = over(&case.half, |s| s.taken.p50).median;
    let p99 = over(&case.half, |s| s.taken.p99);
    let (wanted, met) = case.p99.map_or((String::new(), ""), |most| {
        (format!("{most:.0}"), verdict(p99.median <= most))
    });
    format!(
        "| {} | {rate} | {p50:.1} | {:.1} ({:.1} to {:.1}) | {wanted} | {met} |",
        case.title, p99.median, p99.low, p99.high
    )
}

fn sizes(found: &Findings) -> Vec<(String, f64, &'static str, f64)> {
    let starts = spread(found.starts.iter().copied());
    let mut all = vec![
        (
            format!(
                "start to first answer ({:.0} to {:.0})",
                starts.low, starts.high
            ),
            starts.median,
            "ms",
            START_MAX,
        ),
        (
            "resident memory, idle".to_owned(),
            found.idle,
            "MiB",
            IDLE_MAX,
        ),
    ];
    for (title, peak) in &found.peaks {
        let what = format!("resident memory under load, at most: {title}");
        all.push((what, *peak, "MiB", LOADED_MAX));
    }
    all.push(("the binary".to_owned(), found.binary, "MiB", BINARY_MAX));
    all
}

/// The whole page.
pub fn page(plan: &Plan, found: &Findings) -> String {
    let now = OffsetDateTime::now_utc().truncate_to_second();
    let cores = machine::cores();
    let others = found.others.map_or_else(
        || "not known on this system".to_owned(),
        |used| format!("{used:.2} of {cores} cores on average, PostgreSQL and Redis among them"),
    );
    let facts = [
        ("date", now.format(&Rfc3339).unwrap_or_default()),
        ("command", format!("`{}`", plan.shown_command)),
        (
            "commit",
            machine::first_line("git", &["describe", "--always", "--dirty", "--abbrev=10"]),
        ),
        (
            "machine",
            format!(
                "{cores} cores, {}, shared with others",
                machine::cpu_model()
            ),
        ),
        ("system", machine::system()),
        ("used by others meanwhile", others),
        (
            "rounds",
            format!(
                "{} after one to warm up; {:.0} s in all",
                plan.rounds, found.seconds
            ),
        ),
        ("agents stored", thousands(plan.agents as f64)),
        ("versions", found.versions.join(", ")),
    ];
    let mut list = String::new();
    for (name, value) in facts {
        let _ = writeln!(list, "- {name}: {value}");
    }
    format!(
        "{INTRODUCTION}\n## The run\n{list}\n## Against the targets\n{}\n{NOTES}",
        tables(found)
    )
}

const INTRODUCTION: &str = "\
# Benchmarks of the server

Written by `cargo xtask bench --only server`, whatever the figures are. Server and generator of load share
the cores, and on a machine that others use too the rates are theirs as well; *calls for each CPU second*
is what such a machine disturbs least.
";

const NOTES: &str = "\
## What is measured
- The release binary in processes of their own, over plain HTTP/1.1 with keep-alive on the loopback interface. Rate
  limits are on (`RATE_LIMIT_MAX_REQUESTS` is a number that nobody reaches), tiers are enforced, every request is
  logged to a file. Nothing else is configured but what the row says.
- The generator is a process of its own with one thread. It sends bytes that are ready and reads every answer whole; one
  that has not the wanted status and content ends the run. A turn is 3 seconds; in each round every row has one
  turn at full and one at half of that turn's rate, while all other servers rest. Figures are medians over the rounds,
  with the lowest and the highest.
- *token*: `POST /api/v1/token` with the client's secret in the form; the secret is verified, the call is counted, and the
  answer waits until the audit event is durable. PostgreSQL has fsync on, SQLite `synchronous=FULL`.
- *protected GET*: `GET /api/v1/agents/{id}` of a hundred agents in turns, with a bearer token; *introspection*: of that
  token, by the same caller. Both are read where the agents are stored; the policy is evaluated for every call.
- *what one core signs*: `sign/s` of `openssl speed -multi 2 rsa2048`, run before each turn, halved; openssl counts CPU
  time, as the column for CPU seconds does (user and system time of the server's process, all its threads).
- *at half of that load*: each request has a time at which it is due, and its latency counts from then, waiting for a free
  connection included. The generator's timer rounds up to a millisecond, which is in the figures.
- Tokens without their audit event are not shown: the server has no switch for that. With its data folder in memory
  nothing waits for the disk, which is the nearest to it.
- *start*: from the start of the process to its answer to `GET /health`, the files being in the page cache. *idle*: three
  seconds after the start, before any request. *under load*: the most that it ever had, in the whole run.
";

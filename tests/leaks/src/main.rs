//! Memory over many calls: each language's conformance runner makes them against a fast canned
//! server, and its resident memory is read from the operating system between bursts.
//!
//! Flat means: what it grows by after the warm-up stays below a bound that a leak of a few dozen
//! bytes a call passes. Heaps of virtual machines are kept small, so that what leaks inside of one
//! ends it, and what leaks beside it is seen.
//!
//! Owns: the measure and the table. Refuses: building; `cargo xtask leaks` does that.

mod memory;

use std::{
    collections::BTreeSet,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use conformance_host::{case::Result, runner::Runner};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// Calls at the same time.
const CONCURRENCY: u64 = 16;
/// Bursts after the warm-up; memory is read behind each.
const STEPS: u64 = 10;
/// The warm-up's part of the calls: pools, caches, compiled code and heaps find their size.
const WARM_UP_PART: u64 = 5;
/// The least that a warm-up needs.
const WARM_UP_MIN: u64 = 40_000;
/// What memory may grow by however few the calls: heaps breathe.
const NOISE_BYTES: u64 = 12 * 1024 * 1024;
/// What memory may grow by for each call: below the smallest object that could be forgotten.
const BYTES_A_CALL: u64 = 16;
/// Virtual machines get a heap that is small and whole from the start.
const ENVIRONMENT: [&str; 2] = [
    "JAVA_TOOL_OPTIONS=-Xms64m -Xmx64m -XX:+AlwaysPreTouch",
    "NODE_OPTIONS=--max-old-space-size=64",
];
/// A runner that needs longer for one burst hangs.
const BURST_TIMEOUT: Duration = Duration::from_secs(900);

#[derive(Parser)]
struct Args {
    /// The canned server: `["program","argument"]`; its first line is its URL.
    #[arg(long)]
    server: String,
    /// A runner: `name=["program","argument"]`.
    #[arg(long = "runner")]
    runners: Vec<String>,
    /// Calls of each runner after the warm-up.
    #[arg(long, default_value_t = 1_000_000)]
    calls: u64,
}

/// What one runner came to, in bytes.
struct Measured {
    calls: u64,
    began: u64,
    ended: u64,
    peak: u64,
    took: Duration,
}

impl Measured {
    fn growth(&self) -> u64 {
        self.ended.saturating_sub(self.began)
    }

    fn bound(&self) -> u64 {
        NOISE_BYTES + BYTES_A_CALL * self.calls
    }
}

#[tokio::main]
async fn main() -> ExitCode {
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
    let (_server, base_url) = serve(&args.server).await?;
    println!(
        "{:<14}{:>10}{:>12}{:>12}{:>12}{:>12}{:>12}{:>10}",
        "runner", "calls", "RSS before", "RSS after", "peak", "bytes/call", "bound", "calls/s"
    );
    let (mut passed, mut failed) = (0, 0);
    for spec in &args.runners {
        let (name, command) = spec
            .split_once('=')
            .ok_or("a runner is name=[\"program\",…]")?;
        let command: Vec<String> =
            serde_json::from_str(command).map_err(|e| format!("{name}: {e}"))?;
        match measure(name, command, &base_url, args.calls).await {
            Ok(measured) => {
                let flat = measured.growth() <= measured.bound();
                tell(name, &measured, flat);
                *(if flat { &mut passed } else { &mut failed }) += 1;
            }
            Err(why) => {
                println!("FAILED {name}: {why}");
                failed += 1;
            }
        }
    }
    println!("leaks: {passed} passed, {failed} failed, 0 skipped");
    Ok(failed == 0)
}

/// The canned server, in a process of its own; killed when dropped.
async fn serve(command: &str) -> Result<(Child, String)> {
    let command: Vec<String> = serde_json::from_str(command).map_err(|e| e.to_string())?;
    let (program, arguments) = command.split_first().ok_or("a server without a command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("cannot start `{program}`: {e}"))?;
    let output = child.stdout.take().ok_or("no standard output")?;
    let first = BufReader::new(output).lines().next_line().await;
    let base_url = first
        .ok()
        .flatten()
        .ok_or("the canned server ended before it said where it listens")?;
    Ok((child, base_url))
}

async fn measure(name: &str, command: Vec<String>, base_url: &str, calls: u64) -> Result<Measured> {
    let command: Vec<String> = std::iter::once("env")
        .chain(ENVIRONMENT)
        .map(str::to_owned)
        .chain(command)
        .collect();
    let runner = Runner::start(name, &command, BTreeSet::new()).await?;
    let pid = runner.pid().await.ok_or("the runner is gone")?;
    let config = json!({"baseUrl": base_url, "clientId": "leaks", "clientSecret": "sk_live_leaks"});
    good(
        &runner
            .ask(json!({"do": "client", "client": "c", "config": config}))
            .await?,
    )?;
    burst(&runner, (calls / WARM_UP_PART).max(WARM_UP_MIN)).await?;
    let began = memory::resident(pid)?;
    let (mut ended, mut peak) = (began, began);
    let since = Instant::now();
    for _ in 0..STEPS {
        burst(&runner, calls / STEPS).await?;
        ended = memory::resident(pid)?;
        peak = peak.max(ended);
    }
    let took = since.elapsed();
    runner.exit().await?;
    Ok(Measured {
        calls: calls / STEPS * STEPS,
        began,
        ended,
        peak,
        took,
    })
}

async fn burst(runner: &Runner, count: u64) -> Result<()> {
    let args = json!({"path": {"agentId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8000"}});
    let (_, receiver) = runner
        .send(
            json!({"do": "burst", "client": "c", "operation": "getAgent", "args": args,
                     "count": count, "concurrency": CONCURRENCY}),
        )
        .await?;
    let answer = runner.answer_within(receiver, BURST_TIMEOUT).await?;
    good(&answer)?;
    if answer["ok"]["succeeded"].as_u64() == Some(count) {
        Ok(())
    } else {
        Err(format!("of {count} calls: {}", answer["ok"]))
    }
}

fn good(answer: &Value) -> Result<()> {
    match answer.get("error") {
        None => Ok(()),
        Some(error) => Err(error.to_string()),
    }
}

fn tell(name: &str, m: &Measured, flat: bool) {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0));
    println!(
        "{name:<14}{:>10}{:>12}{:>12}{:>12}{:>12.1}{:>12}{:>10.0}{}",
        m.calls,
        mib(m.began),
        mib(m.ended),
        mib(m.peak),
        m.growth() as f64 / m.calls.max(1) as f64,
        mib(m.bound()),
        m.calls as f64 / m.took.as_secs_f64(),
        if flat { "" } else { "  FAILED: it grows" }
    );
}

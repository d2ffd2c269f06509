//! The referee: starts the server and the workers and lets them take turns.
//!
//! In every round of a case each client has one turn, the project's first; all others are idle. So
//! what disturbs the machine for longer than a round hits all of them, and ratios are taken round
//! by round. Turns are bounded by a number of calls, never by time.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use crate::{
    Result,
    contest::{self, Contest},
    machine::{self, Who},
    protocol::{Ready, Taken, Turn},
    report,
};

/// What to run and what to make of it.
pub struct Plan {
    pub python: Option<PathBuf>,
    pub workers: Option<PathBuf>,
    pub node_workers: Option<PathBuf>,
    pub go_worker: Option<PathBuf>,
    pub go_cgo_worker: Option<PathBuf>,
    pub java_worker: Option<PathBuf>,
    pub rounds: u32,
    pub only: Option<String>,
    pub report: Option<PathBuf>,
    pub shown_command: String,
}

/// What one client did in one case.
pub struct Score {
    pub ready: String,
    pub runtime: String,
    /// Calls a second, for each round.
    pub rates: Vec<f64>,
    /// CPU seconds per 1,000 calls, for each round.
    pub cpu: Vec<f64>,
    /// How much of one core the server used, for each round.
    pub server: Vec<f64>,
}

/// One case of a contest, with the scores in the order of its clients.
pub struct Outcome {
    pub contest: &'static Contest,
    pub case: usize,
    pub scores: Vec<Score>,
}

/// Runs the plan and prints, or writes, the report.
pub fn run(plan: &Plan) -> Result<()> {
    let server = Worker::start(Command::new(std::env::current_exe()?).arg("serve"))?;
    let (server, base_url) = server.first_line()?;
    let (began, busy) = (Instant::now(), machine::busy_seconds());
    let mut outcomes = Vec::new();
    for contest in contest::ALL {
        if plan
            .only
            .as_deref()
            .is_none_or(|only| contest.is_named(only))
        {
            outcomes.extend(meet(plan, contest, &base_url, server.child.id())?);
        }
    }
    drop(server);
    if outcomes.is_empty() {
        return Err("no contest has that name".into());
    }
    let seconds = began.elapsed().as_secs_f64();
    let ours = machine::cpu_seconds(Who::This) + machine::cpu_seconds(Who::Children);
    let others = match (busy, machine::busy_seconds()) {
        (Some(before), Some(after)) => Some((after - before - ours).max(0.0) / seconds),
        _ => None,
    };
    println!("{}", report::table(&outcomes));
    match &plan.report {
        Some(path) => {
            let text = report::page(plan, &outcomes, seconds, others);
            std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()).into())
        }
        None => Ok(()),
    }
}

fn meet(
    plan: &Plan,
    contest: &'static Contest,
    base_url: &str,
    server: u32,
) -> Result<Vec<Outcome>> {
    let mut workers = Vec::new();
    for client in contest.clients {
        let mut command = worker(plan, contest.name)?;
        let started = Worker::start(command.args([client.name, base_url]))?;
        let (worker, line) = started.first_line()?;
        workers.push((worker, serde_json::from_str::<Ready>(&line)?));
    }
    let mut outcomes = Vec::new();
    for (case, what) in contest.cases.iter().enumerate() {
        eprintln!("{}: {}", contest.title, what.title);
        let mut scores: Vec<Score> = workers.iter().map(|(_, ready)| Score::of(ready)).collect();
        for round in 0..=plan.rounds {
            for (client, (worker, _)) in workers.iter_mut().enumerate() {
                let turn = contest.turn(client, case);
                let before = machine::first_thread_seconds(server);
                let taken = worker.take(turn)?;
                let after = machine::first_thread_seconds(server);
                // Round 0 warms up.
                if round > 0 {
                    let used = before.zip(after).map(|(before, after)| after - before);
                    scores[client].note(turn, taken, used);
                }
            }
        }
        outcomes.push(Outcome {
            contest,
            case,
            scores,
        });
    }
    Ok(outcomes)
}

/// The program of a contest's clients; their name and the base URL follow.
fn worker(plan: &Plan, contest: contest::Name) -> Result<Command> {
    let given = |path: &Option<PathBuf>, option: &str| -> Result<PathBuf> {
        let missing = || format!("this contest needs {option}");
        Ok(path.clone().ok_or_else(missing)?)
    };
    Ok(match contest {
        contest::Name::Rust | contest::Name::VerifyRust => {
            let mut own = Command::new(std::env::current_exe()?);
            own.arg("client");
            own
        }
        contest::Name::PythonAsync | contest::Name::PythonSync | contest::Name::VerifyPython => {
            let mut python = Command::new(given(&plan.python, "--python")?);
            python.arg(given(&plan.workers, "--workers")?.join("worker.py"));
            python.env("PYTHONDONTWRITEBYTECODE", "1");
            python
        }
        contest::Name::Node | contest::Name::VerifyNode => {
            let mut node = Command::new("node");
            node.arg(given(&plan.node_workers, "--node-workers")?.join("worker.mjs"));
            node
        }
        contest::Name::GoCgo => Command::new(given(&plan.go_cgo_worker, "--go-cgo-worker")?),
        contest::Name::GoPurego | contest::Name::VerifyGo => {
            Command::new(given(&plan.go_worker, "--go-worker")?)
        }
        contest::Name::Java | contest::Name::VerifyJava => {
            let mut java = Command::new("java");
            java.arg("-jar")
                .arg(given(&plan.java_worker, "--java-worker")?);
            java
        }
    })
}

impl Score {
    fn of(ready: &Ready) -> Self {
        Self {
            ready: ready.client.clone(),
            runtime: ready.runtime.clone(),
            rates: Vec::new(),
            cpu: Vec::new(),
            server: Vec::new(),
        }
    }

    fn note(&mut self, turn: Turn, taken: Taken, server: Option<f64>) {
        let calls = f64::from(turn.calls);
        self.rates.push(calls / taken.seconds);
        self.cpu.push(taken.cpu / calls * 1000.0);
        self.server.extend(server.map(|used| used / taken.seconds));
    }
}

/// Where a proxy is configured; the run stays on loopback.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// A child that obeys lines; ended when dropped.
struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Worker {
    fn start(command: &mut Command) -> Result<Self> {
        for name in PROXIES {
            command.env_remove(name);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot run {:?}: {e}", command.get_program()))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Self {
                child,
                stdin,
                stdout: BufReader::new(stdout),
            }),
            _ => Err("a worker has no pipes".into()),
        }
    }

    fn first_line(mut self) -> Result<(Self, String)> {
        let line = self.line()?;
        Ok((self, line))
    }

    fn take(&mut self, turn: Turn) -> Result<Taken> {
        serde_json::to_writer(&mut self.stdin, &turn)?;
        self.stdin.write_all(b"\n")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err("a worker ended before its turn was over".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

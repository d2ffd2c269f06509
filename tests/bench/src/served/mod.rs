//! The server's own benchmark: the release binary, as operators run it, against the product's targets.
//!
//! Owns: the servers, the order of the turns, what is kept of them. Refuses: a path that no user takes. Tokens are asked
//! for with a secret, limits are on and never reached, the log is written, every answer is read and checked.

mod generator;
mod http;
mod load;
mod page;
mod probes;
mod subject;

use std::{path::PathBuf, time::Duration, time::Instant};

use agentidp_services::{Postgres, Redis};

pub use load::obey;

use crate::{Result, machine};
use generator::Generator;
use load::{Order, Taken, Until};
use subject::{Admin, Subject};

/// What to run and what to make of it.
pub struct Plan {
    /// The release binary.
    pub server: PathBuf,
    pub rounds: u32,
    /// How many agents are stored where it is read and started.
    pub agents: u64,
    /// Only cases whose title contains this: printed, not written.
    pub only: Option<String>,
    pub report: Option<PathBuf>,
    pub shown_command: String,
}

/// How long a turn is.
const TURN: Until = Until::Seconds(3.0);
/// Connections of the generator.
const CONNECTIONS: u32 = 64;
/// Where a folder is in memory.
const MEMORY: &str = "/dev/shm";
/// How long a server is left alone before it counts as idle.
const REST: Duration = Duration::from_secs(3);

/// What is called, and what the product promises of it.
pub struct Case {
    title: &'static str,
    order: Order,
    target: Target,
    /// Milliseconds that 99 of 100 calls at half load may take.
    p99: Option<f64>,
    full: Vec<Score>,
    half: Vec<Score>,
}

/// What a rate is held against.
#[derive(Clone, Copy)]
enum Target {
    /// Calls a second, end to end.
    Rate(f64),
    /// Calls for each CPU second of the server, as a part of what one core signs.
    OfSigning(f64),
    None,
}

/// One turn.
#[derive(Clone, Copy)]
struct Score {
    taken: Taken,
    /// CPU seconds of the server.
    server: f64,
}

/// Everything that was found.
pub struct Findings {
    cases: Vec<Case>,
    /// What one core signs a second, for each round.
    signing: Vec<f64>,
    /// Microseconds that a small write to the disk takes to be durable, for each round.
    durable: Vec<f64>,
    /// Milliseconds from the start of the process to its first answer.
    starts: Vec<f64>,
    /// MiB at rest.
    idle: f64,
    /// MiB at most, of each server.
    peaks: Vec<(&'static str, f64)>,
    /// MiB of the binary.
    binary: f64,
    seconds: f64,
    /// Cores that others used.
    others: Option<f64>,
    versions: Vec<String>,
}

/// Runs the plan and prints, or writes, the report.
pub fn run(plan: &Plan) -> Result<()> {
    let folder = probes::folder(None)?;
    let mut generator = Generator::start()?;
    let binary = std::fs::metadata(&plan.server)
        .map_err(|e| format!("{}: {e}", plan.server.display()))?
        .len() as f64;
    let (began, busy) = (Instant::now(), machine::busy_seconds());
    let mut found = Findings {
        cases: Vec::new(),
        signing: Vec::new(),
        durable: Vec::new(),
        starts: Vec::new(),
        idle: 0.0,
        peaks: Vec::new(),
        binary: binary / 1024.0 / 1024.0,
        seconds: 0.0,
        others: None,
        versions: probes::versions(),
    };
    let stored = folder.path().join("stored");
    fill(plan, &mut generator, &stored)?;
    for _ in 0..plan.rounds {
        let subject = Subject::start(&plan.server, &stored, &[])?;
        found.starts.push(subject.started.as_secs_f64() * 1e3);
        subject.stop()?;
    }
    let services = Services::start()?;
    let subjects = services.subjects(plan, folder.path())?;
    std::thread::sleep(REST);
    found.idle = subjects[STORED].subject.memory()?.0;
    found.cases = cases(plan, &subjects)?;
    for round in 0..=plan.rounds {
        turns(round, &subjects, &mut generator, &mut found, folder.path())?;
    }
    for one in subjects {
        found.peaks.push((one.title, one.subject.memory()?.1));
        one.subject.stop()?;
    }
    found.seconds = began.elapsed().as_secs_f64();
    found.others = probes::others(busy, found.seconds, generator.cpu);
    println!("{}", page::tables(&found));
    match &plan.report {
        Some(path) if plan.only.is_none() => std::fs::write(path, page::page(plan, &found))
            .map_err(|e| format!("{}: {e}", path.display()).into()),
        _ => Ok(()),
    }
}

/// The embedded default with that many agents, each registered over HTTP.
fn fill(plan: &Plan, generator: &mut Generator, data: &std::path::Path) -> Result<()> {
    eprintln!("registering {} agents", plan.agents);
    let subject = Subject::start(&plan.server, data, &[])?;
    let bearer = format!("Bearer {}", Admin::read(data)?.token(subject.port)?);
    let body = format!(
        r#"{{"email":"agent-{}@example.com","agentType":"screener","version":"1.4.0","capabilities":["resume:read","email:send"],"owner":"talent","deploymentEnv":"production"}}"#,
        load::NUMBER
    );
    let headers = [("authorization", bearer.as_str()), JSON];
    let order = Order {
        status: 201,
        until: Until::Calls(plan.agents),
        ..order(
            &subject,
            vec![http::request("POST", "/api/v1/agents", &headers, &body)],
            "\"agentId\"",
        )
    };
    generator.take(&order)?;
    subject.stop()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A turn at full load.
fn order(subject: &Subject, requests: Vec<String>, mark: &str) -> Order {
    Order {
        port: subject.port,
        requests,
        status: 200,
        mark: mark.to_owned(),
        connections: CONNECTIONS,
        until: TURN,
        rate: None,
    }
}

/// What servers need beside themselves.
struct Services {
    postgres: Postgres,
    redis: Redis,
    memory: Option<tempfile::TempDir>,
}

/// A running server and its first admin.
struct Running {
    title: &'static str,
    subject: Subject,
    admin: Admin,
}

/// The places of the servers.
const STORED: usize = 0;
const ES256: usize = 1;
const SHARED: usize = 2;
const IN_MEMORY: usize = 3;

impl Services {
    fn start() -> Result<Self> {
        let memory = std::path::Path::new(MEMORY);
        Ok(Self {
            postgres: Postgres::start_durable()?,
            redis: Redis::start()?,
            memory: memory
                .is_dir()
                .then(|| probes::folder(Some(memory)))
                .transpose()?,
        })
    }

    fn subjects(&self, plan: &Plan, folder: &std::path::Path) -> Result<Vec<Running>> {
        let database = self.postgres.database()?;
        let key = "5e".repeat(32);
        let redis = self.redis.url();
        let shared = [
            ("DATABASE_URL", database.server_url.as_str()),
            ("DATABASE_MIGRATION_URL", database.owner_url.as_str()),
            ("ENCRYPTION_KEY", key.as_str()),
            ("REDIS_URL", redis.as_str()),
        ];
        let es256 = [("JWT_SIGNING_ALG", "ES256")];
        let none: &[(&str, &str)] = &[];
        let mut all = vec![
            ("embedded default", folder.join("stored"), none),
            ("embedded, ES256", folder.join("es256"), &es256[..]),
            ("PostgreSQL and Redis", folder.join("shared"), &shared[..]),
        ];
        if let Some(memory) = &self.memory {
            let title = "embedded, ES256, data folder in memory";
            all.push((title, memory.path().to_owned(), &es256[..]));
        }
        all.into_iter()
            .map(|(title, data, environment)| {
                let subject = Subject::start(&plan.server, &data, environment)?;
                let admin = Admin::read(&data)?;
                Ok(Running {
                    title,
                    subject,
                    admin,
                })
            })
            .collect()
    }
}

fn cases(plan: &Plan, subjects: &[Running]) -> Result<Vec<Case>> {
    let tokens = |title, place: usize, target, p99| {
        let Running { subject, admin, .. } = subjects.get(place)?;
        let order = order(subject, vec![admin.asks_token()], "\"access_token\"");
        Some(Case::new(title, order, target, p99))
    };
    let Running { subject, admin, .. } = &subjects[STORED];
    let token = admin.token(subject.port)?;
    let bearer = format!("Bearer {token}");
    let authorization = ("authorization", bearer.as_str());
    let form = format!("token={token}");
    let introspect = http::request(
        "POST",
        "/api/v1/token/introspect",
        &[authorization, FORM],
        &form,
    );
    let get = |path: &str| http::request("GET", path, &[authorization], "");
    let page = http::json(subject.port, &get("/api/v1/agents?limit=100"), 200)?;
    let gets = page["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|agent| agent["agentId"].as_str())
        .map(|id| get(&format!("/api/v1/agents/{id}")))
        .collect();
    let all = [
        tokens(
            "token, RS256, PostgreSQL and Redis",
            SHARED,
            Target::OfSigning(0.65),
            None,
        ),
        tokens(
            "token, ES256, embedded",
            ES256,
            Target::Rate(8_000.0),
            Some(20.0),
        ),
        tokens(
            "token, ES256, embedded, data folder in memory",
            IN_MEMORY,
            Target::None,
            None,
        ),
        Some(Case::new(
            "introspection, embedded default",
            order(subject, vec![introspect], "\"active\":true"),
            Target::Rate(15_000.0),
            Some(10.0),
        )),
        Some(Case::new(
            "protected GET, embedded default",
            order(subject, gets, "\"agentId\""),
            Target::Rate(15_000.0),
            Some(10.0),
        )),
    ];
    let wanted = |case: &Case| {
        plan.only
            .as_deref()
            .is_none_or(|only| case.title.contains(only))
    };
    Ok(all.into_iter().flatten().filter(wanted).collect())
}

/// One round: the yardsticks, then each case at full and at half load, while everything else rests.
fn turns(
    round: u32,
    subjects: &[Running],
    generator: &mut Generator,
    found: &mut Findings,
    disk: &std::path::Path,
) -> Result<()> {
    eprintln!("round {round}");
    let mut play = |order: &Order| -> Result<Score> {
        let subject = subjects
            .iter()
            .find(|one| one.subject.port == order.port)
            .ok_or("a case without a server")?;
        let before = subject.subject.cpu()?;
        let taken = generator.take(order)?;
        let server = subject.subject.cpu()? - before;
        Ok(Score { taken, server })
    };
    // Round 0 warms up.
    let counts = round > 0;
    for case in &mut found.cases {
        if counts && matches!(case.target, Target::OfSigning(_)) {
            found.signing.push(probes::signing()?);
        }
        let full = play(&case.order)?;
        let half = Order {
            rate: Some(full.taken.calls as f64 / full.taken.seconds / 2.0),
            ..case.order.clone()
        };
        let half = play(&half)?;
        if counts {
            case.full.push(full);
            case.half.push(half);
        }
    }
    if counts {
        found.durable.push(probes::durable(disk)?);
    }
    Ok(())
}

impl Case {
    fn new(title: &'static str, order: Order, target: Target, p99: Option<f64>) -> Self {
        Self {
            title,
            order,
            target,
            p99,
            full: Vec::new(),
            half: Vec::new(),
        }
    }
}

impl Score {
    fn rate(&self) -> f64 {
        self.taken.calls as f64 / self.taken.seconds
    }

    /// Calls for each CPU second of the server.
    fn for_cpu_second(&self) -> f64 {
        self.taken.calls as f64 / self.server
    }
}

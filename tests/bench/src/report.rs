//! `docs/benchmarks.md`, and the table that the terminal shows.

use std::fmt::Write as _;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    contest::Contest,
    machine,
    run::{Outcome, Plan, Score},
    stats::{ratios, spread},
};

const HEAD: &str = "\
| | client | calls/s | CPU s per 1,000 calls | server, of a core | project over it: rate | wanted | project over it: CPU |
|---|---|--:|--:|--:|--:|--:|--:|
";

/// The table of all outcomes.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = HEAD.to_owned();
    for outcome in outcomes {
        for place in 0..outcome.scores.len() {
            row(&mut text, outcome, place);
        }
    }
    text
}

fn row(text: &mut String, outcome: &Outcome, place: usize) {
    let Contest {
        title,
        cases,
        clients,
        ..
    } = outcome.contest;
    let score = &outcome.scores[place];
    let rate = spread(score.rates.iter().copied()).median;
    let cpu = spread(score.cpu.iter().copied()).median;
    let server = if score.server.is_empty() {
        "unknown".to_owned()
    } else {
        let used = spread(score.server.iter().copied()).median;
        format!("{:.0} %", used * 100.0)
    };
    let what = format!("{title}: {}", cases[outcome.case].title);
    let (first, client) = if place == 0 {
        (what.as_str(), format!("**{}**", score.ready))
    } else {
        ("", score.ready.clone())
    };
    let compared = if place == 0 {
        ["", "", ""].map(str::to_owned)
    } else {
        let project = &outcome.scores[0];
        let faster = ratios(&project.rates, &score.rates);
        let wanted = clients[place].targets[outcome.case];
        let verdict = match wanted {
            0.0 => String::new(),
            _ if faster.median >= wanted => format!("{wanted}: met"),
            _ => format!("{wanted}: **missed**"),
        };
        [
            format!(
                "{:.2} ({:.2} to {:.2})",
                faster.median, faster.low, faster.high
            ),
            verdict,
            format!("{:.2}", ratios(&project.cpu, &score.cpu).median),
        ]
    };
    let [faster, verdict, cheaper] = compared;
    let rate = thousands(rate);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "| {first} | {client} | {rate} | {cpu:.3} | {server} | {faster} | {verdict} | {cheaper} |"
    );
}

/// `12345.6` as `12,346`.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The whole page.
pub fn page(plan: &Plan, outcomes: &[Outcome], seconds: f64, others: Option<f64>) -> String {
    let now = OffsetDateTime::now_utc().truncate_to_second();
    let date = now.format(&Rfc3339).unwrap_or_default();
    let cores = machine::cores();
    let others = others.map_or_else(
        || "not known on this system".to_owned(),
        |used| format!("{used:.2} of {cores} cores on average"),
    );
    let commit = machine::first_line("git", &["describe", "--always", "--dirty", "--abbrev=10"]);
    let facts = [
        ("date", date),
        ("command", format!("`{}`", plan.shown_command)),
        ("commit", commit),
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
                "{} after one to warm up; {seconds:.0} s in all",
                plan.rounds
            ),
        ),
        ("versions", versions(outcomes)),
    ];
    let mut list = String::new();
    for (name, value) in facts {
        let _ = writeln!(list, "- {name}: {value}");
    }
    format!(
        "{INTRODUCTION}\n## The run\n{list}\n{}\n{NOTES}",
        table(outcomes)
    )
}

fn versions(outcomes: &[Outcome]) -> String {
    let mut found: Vec<String> = Vec::new();
    let scores = || outcomes.iter().flat_map(|o| &o.scores);
    let all = scores()
        .map(|s: &Score| &s.runtime)
        .chain(scores().map(|s| &s.ready));
    for version in all {
        if !found.contains(version) {
            found.push(version.clone());
        }
    }
    found.join(", ")
}

const INTRODUCTION: &str = "\
# Benchmarks

Written by `cargo xtask bench`, whatever the figures are. A machine that is shared gives other
absolute numbers every time; what counts is the ratio within one run.
";

const NOTES: &str = "\
## How to read it
- *calls/s* and *CPU* are medians over the rounds. *project over it* is the median of the ratios
  that were taken round by round, with the lowest and the highest: over 1 the project is faster; for
  CPU, under 1 the project needs less.
- *CPU* is user and system time of the client's process, all its threads (`getrusage`). *server* is
  how much of its one thread the server used while that client had its turn: near 100 % it, and not
  the client, is what was measured. Server and client share the cores, so a client that would use
  all of them gets less than on a machine with more.
- *wanted* is the project's own target for that ratio.

## What is compared
- In every round each client has one turn, the project's first, while all others are idle. A turn
  is a fixed number of calls, enough for about a second, and so fewer for slower clients. Workers
  live for the whole contest: connections stay open and caches stay warm.
- All talk plain HTTP/1.1 with keep-alive to the same server (hyper, a process of its own, one
  thread, release profile), which answers a fixed agent of 476 bytes, a fixed page of 100 such
  agents, and a token that lasts. So there is no TLS in the figures.
- Every client sends a bearer token and decodes the whole answer into a model: identifiers as texts,
  enumerations as enums, times as times, lists as lists; and then reads e-mail, status and time of
  creation of each agent and checks them. Peers use a serde struct (Rust) and dataclasses with slots
  made from `json.loads` (Python), objects with `Date`s made from `JSON.parse` (Node.js).
- The peers do nothing else. The project's calls also have what the SDK is for: token cache,
  retries, a deadline for the whole call, request ids, typed errors.
- Rust: tokio with as many threads as cores. Python: the standard event loop; the package is the
  wheel as it is published. httpx may keep 100 idle connections (its default of 20 would make it
  reconnect); requests and http.client have one session or connection for each thread; httpx shares
  one client. Node.js: the package is the tarball as it is published; undici has a pool of 64
  connections; fetch is the one that Node.js has built in. Java: futures in flight, a waiting thread
  for one at a time; each worker makes 26,000 calls before its first turn, so that the compiler has
  seen them; the peer decodes into records with jackson-databind. Go: goroutines; the library is
  linked in by cgo (tag `agentidp_static`), or loaded without it by purego, as the module is used when
  nothing else is said, also for verification; the peer decodes with encoding/json and keeps 128 idle
  connections.
- Verification: one caller, one token of 4 scopes, no network. The project's `TokenVerifier` and
  each peer check signature, algorithm, issuer, audience and times with the key of the token's `kid`,
  which they fetched, or parsed, before their first turn; and the caller reads subject and scopes.
  The project also checks the token's type, and builds an immutable value of every claim. PyJWT: with its
  `PyJWKClient`; jose: `createRemoteJWKSet`; golang-jwt: parsed keys in a map; nimbus-jose-jwt: its
  default processor over a cached source; jsonwebtoken: parsed keys in a map.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits_by_three() {
        let shown = [0.4, 999.0, 1000.0, 1_234_567.0].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}

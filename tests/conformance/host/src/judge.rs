//! Runs one case through one runner and says whether it holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    authority::Authority,
    case::{Case, Expect, Result, ServerKind, Step},
    pattern,
    real::Real,
    runner::Runner,
    scripted::{Scripted, TOKEN_PREFIX},
    steps::Begun,
    verbs::Seen,
};

/// How long the harness waits for what a healthy client does within milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at something that happens in the background.
const POLL: Duration = Duration::from_millis(20);

static UNIQUE: AtomicU64 = AtomicU64::new(1);

/// Runs the case; the error says what did not hold.
pub async fn run(case: &Case, runner: &Runner, real: &Real) -> Result<()> {
    let scripted = match case.server {
        ServerKind::Real => None,
        ServerKind::Scripted => Some(Scripted::start(case).await?),
    };
    if case.environment.is_empty() {
        return play(case, runner, real, scripted).await;
    }
    let issuer = scripted.as_ref().map_or(&real.base_url, |s| &s.base_url);
    let address = scripted.as_ref().map_or("", |s| s.address.as_str());
    let filled = |text: &str| {
        text.replace("${issuer}", issuer)
            .replace("${address}", address)
    };
    let environment = case
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), filled(value)))
        .collect();
    let own = runner.another(&environment).await?;
    let outcome = play(case, &own, real, scripted).await;
    own.exit().await?;
    outcome
}

async fn play(case: &Case, runner: &Runner, real: &Real, scripted: Option<Scripted>) -> Result<()> {
    runner.transcript.secret(TOKEN_PREFIX);
    let unique = format!(
        "u{}-{}",
        std::process::id(),
        UNIQUE.fetch_add(1, Ordering::Relaxed)
    );
    let issuer = scripted.as_ref().map_or(&real.base_url, |s| &s.base_url);
    let address = scripted.as_ref().map_or("", |s| s.address.as_str());
    let tls = match case.tls {
        Some(_) => Authority::get()?.values(),
        None => Value::Null,
    };
    let mut play = Play {
        case,
        runner,
        real,
        values: BTreeMap::from([
            ("address".into(), address.into()),
            ("tls".into(), tls),
            ("unique".into(), unique.clone().into()),
            ("issuer".into(), issuer.as_str().into()),
            (
                "admin".into(),
                json!({"clientId": real.client_id, "clientSecret": real.client_secret}),
            ),
        ]),
        scripted,
        unique,
        client: String::new(),
        beside: Vec::new(),
        clients: 0,
        begun: BTreeMap::new(),
    };
    let outcome = play.run().await;
    // Its clients are closed whatever happened, so that cases do not add up in the runner.
    play.beside.push(play.client);
    for client in play.beside.iter().filter(|name| !name.is_empty()) {
        runner.ask(json!({"do": "close", "client": client})).await?;
    }
    outcome
}

/// One case in progress.
pub struct Play<'a> {
    pub case: &'a Case,
    pub runner: &'a Runner,
    pub real: &'a Real,
    pub scripted: Option<Scripted>,
    pub values: BTreeMap<String, Value>,
    /// What no other case and no other runner uses.
    pub unique: String,
    /// The present client; empty before the first.
    pub client: String,
    /// Clients that were left open.
    beside: Vec<String>,
    clients: u32,
    /// What was begun and is not finished.
    pub begun: BTreeMap<String, Begun>,
}

impl Play<'_> {
    async fn run(&mut self) -> Result<()> {
        for (i, step) in self.case.steps.iter().enumerate() {
            let place = if self.case.steps.len() == 1 {
                String::new()
            } else {
                format!("step {}: ", i + 1)
            };
            self.step(step).await.map_err(|e| format!("{place}{e}"))?;
        }
        let seen = Seen {
            requests: self.case.requests.clone().map(Value::Array),
            token_requests: self.case.token_requests,
            ..Seen::default()
        };
        match &self.scripted {
            Some(_) => self.seen(&seen),
            None => Ok(()),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        let made = if let Some(overrides) = &step.client {
            Some(self.new_client(Some(overrides), step.beside).await?)
        } else if self.client.is_empty() && step.needs_client() {
            Some(self.new_client(None, false).await?)
        } else {
            None
        };
        if let Some(made) = made {
            if step.is_only_client() {
                return self.judge(step.expect.as_ref(), &made);
            }
            if let Some(error) = made.get("error") {
                return Err(format!("the client was refused: {error}"));
            }
        }
        if self.harness_step(step).await? {
            return Ok(());
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let Some(outcome) = self.outcome(step).await? else {
                return if step.start.is_some() {
                    Ok(())
                } else {
                    Err("the step does nothing".into())
                };
            };
            if let Some(name) = &step.save {
                self.values.insert(name.clone(), outcome["ok"].clone());
            }
            let judged = match (&step.expect, &step.http) {
                (None, Some(_)) => succeeded(&outcome),
                (expect, _) => self.judge(expect.as_ref(), &outcome),
            };
            if judged.is_ok() || !step.eventually || Instant::now() > until {
                return judged;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn judge(&self, expect: Option<&Expect>, outcome: &Value) -> Result<()> {
        let Some(expect) = expect else {
            return match outcome.get("error") {
                None => Ok(()),
                Some(error) => Err(format!("failed: {error}")),
            };
        };
        match (&expect.value, &expect.error) {
            (Some(wanted), None) => {
                if let Some(error) = outcome.get("error") {
                    return Err(format!("expected a value, got the error {error}"));
                }
                pattern::check(
                    &pattern::fill(wanted, &self.values)?,
                    outcome.get("ok"),
                    "value",
                )
            }
            (None, Some(wanted)) => match outcome.get("error") {
                None => Err(format!("expected an error, got {}", outcome["ok"])),
                error => pattern::check(&pattern::fill(wanted, &self.values)?, error, "error"),
            },
            _ => Err("`expect` has either `value` or `error`".into()),
        }
    }

    /// Makes the client that later steps use, and gives the runner's answer.
    async fn new_client(
        &mut self,
        overrides: Option<&BTreeMap<String, Value>>,
        beside: bool,
    ) -> Result<Value> {
        if beside {
            self.beside.push(std::mem::take(&mut self.client));
        } else if !self.client.is_empty() {
            self.runner
                .ask(json!({"do": "close", "client": self.client}))
                .await?;
        }
        let mut config = match &self.scripted {
            None => {
                json!({"baseUrl": self.real.base_url, "clientId": self.real.client_id, "clientSecret": self.real.client_secret})
            }
            Some(scripted) => {
                json!({"baseUrl": scripted.base_url, "clientId": "00000000-0000-4000-8000-000000000001", "clientSecret": "sk_live_scripted"})
            }
        };
        let all = self
            .case
            .client
            .iter()
            .chain(overrides.into_iter().flatten());
        for (key, value) in all {
            config[key] = pattern::fill(value, &self.values)?;
        }
        if let Some(config) = config.as_object_mut() {
            config.retain(|_, value| !value.is_null());
        }
        self.clients += 1;
        let name = format!("{}#{}#{}", self.unique, self.runner.name, self.clients);
        let mut request = json!({"do": "client", "client": name, "config": config});
        if self.case.clock {
            request["clock"] = self.unique.as_str().into();
        }
        if let Some(parent) = &self.case.traceparent {
            request["traceparent"] = parent.as_str().into();
        }
        let answer = self.runner.ask(request).await?;
        if answer.get("error").is_none() {
            self.client = name;
        }
        Ok(answer)
    }

    /// The scripted server, in a case that has one.
    pub fn scripted(&self) -> Result<&Scripted> {
        self.scripted
            .as_ref()
            .ok_or_else(|| "only a scripted case can say that".into())
    }

    /// Compares what the scripted server has seen.
    pub fn seen(&self, wanted: &Seen) -> Result<()> {
        let scripted = self.scripted()?;
        let progress = scripted.progress();
        if let Some(requests) = &wanted.requests {
            let pattern = match requests.as_u64() {
                Some(count) => json!({"$length": count}),
                None => pattern::fill(requests, &self.values)?,
            };
            pattern::check(&pattern, Some(&scripted.requests().into()), "requests")?;
        }
        if let Some(tokens) = &wanted.tokens {
            let pattern = pattern::fill(tokens, &self.values)?;
            pattern::check(&pattern, Some(&scripted.token_requests().into()), "tokens")?;
        }
        if let Some(tunnels) = &wanted.tunnels {
            let pattern = pattern::fill(tunnels, &self.values)?;
            pattern::check(&pattern, Some(&scripted.tunnels().into()), "tunnels")?;
        }
        for (header, unique) in [(&wanted.same, false), (&wanted.distinct, true)] {
            if let Some(header) = header {
                values_of(&scripted.requests(), header, unique)?;
            }
        }
        for (what, wanted, seen) in [
            ("token requests", wanted.token_requests, progress.tokens),
            ("key requests", wanted.key_requests, progress.keys),
            ("connections", wanted.connections, progress.connections),
        ] {
            if wanted.is_some_and(|wanted| wanted != seen) {
                return Err(format!(
                    "the server saw {seen} {what}, expected {}",
                    wanted.unwrap_or_default()
                ));
            }
        }
        Ok(())
    }
}

/// A plain request of which nothing is expected prepares what the next steps need: any other answer than a success is said
/// where it came, not where it is missed.
fn succeeded(outcome: &Value) -> Result<()> {
    let answer = &outcome["ok"];
    match answer["status"].as_u64() {
        Some(200..=299) => Ok(()),
        _ => Err(format!(
            "the plain request was answered {} {}",
            answer["status"], answer["body"]
        )),
    }
}

/// Whether every request has the header, and with one value for all or one for each.
fn values_of(requests: &[Value], header: &str, unique: bool) -> Result<()> {
    let all: Vec<&str> = requests
        .iter()
        .filter_map(|r| r["headers"][header].as_str().filter(|v| !v.is_empty()))
        .collect();
    let different: BTreeSet<&&str> = all.iter().collect();
    let wanted = if unique { requests.len() } else { 1 };
    if all.len() == requests.len() && different.len() == wanted {
        Ok(())
    } else {
        Err(format!(
            "{} requests have `{header}` {all:?}, expected {wanted} different values",
            requests.len()
        ))
    }
}

/// Waits for something that a healthy client does within milliseconds.
pub async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, wait)
        .await
        .map_err(|_| format!("waited {} s for {what}", PATIENCE.as_secs()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_plain_request_without_an_expectation_has_to_succeed() {
        for status in [200, 201, 204] {
            succeeded(&json!({"ok": {"status": status, "body": null}})).unwrap();
        }
        for status in [101, 302, 404, 503] {
            let outcome = json!({"ok": {"status": status, "body": {"code": "X"}}});
            let said = succeeded(&outcome).unwrap_err();
            assert!(said.contains(&status.to_string()), "{said}");
            assert!(said.contains("\"X\""), "{said}");
        }
    }
}

//! Runs one case through one runner and says whether it holds.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use crate::{
    case::{Call, Case, Result, ServerKind, Step},
    pattern,
    real::Real,
    runner::Runner,
    scripted::Scripted,
};

static UNIQUE: AtomicU64 = AtomicU64::new(1);

/// Runs the case; the error says what did not hold.
pub async fn run(case: &Case, runner: &Runner, real: &Real) -> Result<()> {
    let scripted = match case.server {
        ServerKind::Real => None,
        ServerKind::Scripted => Some(Scripted::start(&case.answers, &case.tokens).await?),
    };
    let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
    let mut play = Play {
        case,
        runner,
        real,
        scripted,
        values: BTreeMap::from([
            (
                "unique".into(),
                format!("u{}-{unique}", std::process::id()).into(),
            ),
            (
                "admin".into(),
                json!({"clientId": real.client_id, "clientSecret": real.client_secret}),
            ),
        ]),
        client: String::new(),
        clients: 0,
    };
    let outcome = play.run().await;
    // Its client is closed whatever happened, so that cases do not add up in the runner.
    if !play.client.is_empty() {
        runner
            .ask(json!({"do": "close", "client": play.client}))
            .await?;
    }
    outcome
}

struct Play<'a> {
    case: &'a Case,
    runner: &'a Runner,
    real: &'a Real,
    scripted: Option<Scripted>,
    values: BTreeMap<String, Value>,
    client: String,
    clients: u32,
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
        self.check_server().await
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        if let Some(overrides) = &step.client {
            self.new_client(Some(overrides)).await?;
        } else if self.client.is_empty() && step.http.is_none() {
            self.new_client(None).await?;
        }
        let outcome = if let Some(call) = &step.call {
            self.call(call).await?
        } else if let Some(call) = &step.pages {
            let request = self.request("pages", call)?;
            self.runner.ask(request).await?
        } else if let Some(call) = &step.burst {
            let request = self.request("burst", call)?;
            self.runner.ask(request).await?
        } else if let Some(http) = &step.http {
            let filled = pattern::fill(
                &json!({"method": http.method, "path": http.path, "json": http.json, "form": http.form}),
                &self.values,
            )?;
            let mut filled: crate::case::Http =
                serde_json::from_value(filled).map_err(|e| e.to_string())?;
            filled.json = filled.json.filter(|j| !j.is_null());
            json!({"ok": self.real.request(&filled).await?})
        } else if step.clear_token_cache {
            self.runner
                .ask(json!({"do": "clearTokenCache", "client": self.client}))
                .await?
        } else if step.close {
            self.runner
                .ask(json!({"do": "close", "client": self.client}))
                .await?
        } else {
            return if step.client.is_some() {
                Ok(())
            } else {
                Err("the step does nothing".into())
            };
        };
        if let Some(name) = &step.save {
            self.values.insert(name.clone(), outcome["ok"].clone());
        }
        self.judge(step, &outcome)
    }

    fn judge(&self, step: &Step, outcome: &Value) -> Result<()> {
        let Some(expect) = &step.expect else {
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

    async fn call(&self, call: &Call) -> Result<Value> {
        let mut request = self.request("call", call)?;
        if !call.cancel {
            return self.runner.ask(request).await;
        }
        // A blocking language may have to run it where it can be interrupted.
        request["cancellable"] = true.into();
        let scripted = self
            .scripted
            .as_ref()
            .ok_or("only a scripted case can cancel")?;
        let before = scripted.read();
        let (id, receiver) = self.runner.send(request).await?;
        let read = scripted.wait_read(before);
        bounded("the request to arrive", read).await?;
        self.runner.ask(json!({"do": "cancel", "call": id})).await?;
        let answer = self.runner.answer(receiver).await?;
        bounded("the connection to be closed", scripted.wait_closed()).await?;
        Ok(answer)
    }

    fn request(&self, verb: &str, call: &Call) -> Result<Value> {
        let mut request = json!({
            "do": verb,
            "client": self.client,
            "operation": call.operation,
            "args": pattern::fill(&call.args, &self.values)?,
        });
        if request["args"].is_null() {
            request["args"] = json!({});
        }
        if let Some(count) = call.count {
            request[if verb == "pages" { "limit" } else { "count" }] = count.into();
        }
        Ok(request)
    }

    async fn new_client(&mut self, overrides: Option<&BTreeMap<String, Value>>) -> Result<()> {
        if !self.client.is_empty() {
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
        self.clients += 1;
        self.client = format!(
            "{}#{}#{}",
            self.values["unique"].as_str().unwrap_or_default(),
            self.runner.name,
            self.clients
        );
        let answer = self
            .runner
            .ask(json!({"do": "client", "client": self.client, "config": config}))
            .await?;
        match answer.get("error") {
            None => Ok(()),
            Some(error) => Err(format!("the client was refused: {error}")),
        }
    }

    async fn check_server(&self) -> Result<()> {
        let Some(scripted) = &self.scripted else {
            return Ok(());
        };
        if let Some(wanted) = &self.case.requests {
            let seen = scripted.requests().await;
            let wanted = pattern::fill(&Value::Array(wanted.clone()), &self.values)?;
            pattern::check(&wanted, Some(&seen.into()), "requests")?;
        }
        if let Some(wanted) = self.case.token_requests {
            let seen = scripted.token_requests().await;
            if seen != wanted {
                return Err(format!(
                    "the server saw {seen} token requests, expected {wanted}"
                ));
            }
        }
        Ok(())
    }
}

/// Waits for something that a healthy client does within milliseconds.
async fn bounded(what: &str, wait: impl Future<Output = ()>) -> Result<()> {
    tokio::time::timeout(std::time::Duration::from_secs(30), wait)
        .await
        .map_err(|_| format!("waited 30 s for {what}"))
}

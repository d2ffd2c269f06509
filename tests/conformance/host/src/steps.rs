//! One step of a case: what the harness does itself, and what it asks of the runner.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    case::{Call, Result, Step},
    issuer::{AUDIENCE, Keys},
    judge::{Play, bounded},
    pattern, threads,
    verbs::{ChainStep, Http, Seen, TokenText, VerifierStep, VerifyStep},
    webhook,
};

/// A server must see a cancellation within a tenth of a second; this is what fails, so that a machine
/// with other things to do does not. What was measured is printed.
const CANCEL_SEEN_MAX: Duration = Duration::from_secs(2);

/// A verb that is on its way.
pub struct Begun {
    id: u64,
    receiver: oneshot::Receiver<Value>,
}

impl Step {
    /// The step makes a client and nothing else.
    pub fn is_only_client(&self) -> bool {
        self.client.is_some()
            && !self.needs_client()
            && self.http.is_none()
            && self.verifier.is_none()
            && self.verify.is_none()
    }

    /// Whether the case's client must be there.
    pub fn needs_client(&self) -> bool {
        self.call.is_some()
            || self.pages.is_some()
            || self.burst.is_some()
            || self.raw.is_some()
            || self.token
            || self.clear_token_cache
            || self.close
            || self.explain
            || self.show
            || self.verifier.as_ref().is_some_and(|v| v.with_client)
            || self.clock.is_some()
    }
}

impl Play<'_> {
    /// What the harness does without asking the runner. True when the step was that.
    pub async fn harness_step(&mut self, step: &Step) -> Result<bool> {
        if let Some(wanted) = &step.arrived {
            self.arrived(wanted).await?;
        } else if let Some(wanted) = &step.seen {
            self.seen(wanted)?;
        } else if let Some(count) = step.closed {
            let wait = self.scripted()?.wait(|p| p.closed.len() >= count);
            bounded("the connection to be closed", wait).await?;
        } else if let Some(gate) = &step.release {
            self.scripted()?.release(gate);
        } else if let Some(wanted) = step.core_thread {
            let pid = self.runner.pid().await.ok_or("the runner is gone")?;
            threads::check(pid, wanted)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The runner's, or the real server's, answer; `None` when there is none yet.
    pub async fn outcome(&mut self, step: &Step) -> Result<Option<Value>> {
        if let Some(name) = &step.finish {
            let begun = self.begun.remove(name).ok_or("nothing has that name")?;
            return self.runner.answer(begun.receiver).await.map(Some);
        }
        if let Some(name) = &step.cancel {
            return self.cancel(name).await.map(Some);
        }
        if let Some(http) = &step.http {
            let answer = self.http(http).await?;
            self.runner.transcript.secrets_of(&answer);
            return Ok(Some(json!({"ok": answer})));
        }
        if let Some(call) = step.call.as_ref().filter(|c| c.cancel) {
            return self.cancelled_call(call).await.map(Some);
        }
        let Some(request) = self.asked(step)? else {
            return Ok(None);
        };
        match &step.start {
            Some(name) => {
                let (id, receiver) = self.runner.send(request).await?;
                self.begun.insert(name.clone(), Begun { id, receiver });
                Ok(None)
            }
            None => self.runner.ask(request).await.map(Some),
        }
    }

    /// What the step asks of the runner.
    fn asked(&self, step: &Step) -> Result<Option<Value>> {
        let client = |verb: &str| json!({"do": verb, "client": self.client});
        for (verb, call) in [
            ("call", &step.call),
            ("pages", &step.pages),
            ("burst", &step.burst),
            ("raw", &step.raw),
        ] {
            if let Some(call) = call {
                return self
                    .request(verb, call, self.is_cancelled_later(step))
                    .map(Some);
            }
        }
        for (verb, said) in [
            ("clearTokenCache", step.clear_token_cache),
            ("close", step.close),
            ("token", step.token),
            ("explain", step.explain),
            ("show", step.show),
            ("logs", step.logs),
        ] {
            if said {
                return Ok(Some(client(verb)));
            }
        }
        Ok(if let Some(moved) = &step.clock {
            let mut request = json!({"do": "clock", "clock": self.unique});
            for (name, value) in [
                ("advanceMs", moved.advance_ms),
                ("jumpWallMs", moved.jump_wall_ms),
                ("random", moved.random),
            ] {
                if let Some(value) = value {
                    request[name] = value.into();
                }
            }
            Some(request)
        } else if let Some(at_most) = step.sleeping {
            Some(json!({"do": "sleeping", "clock": self.unique, "atMostMs": at_most}))
        } else if let Some(verifier) = &step.verifier {
            Some(self.verifier(verifier)?)
        } else if let Some(verify) = &step.verify {
            Some(self.verify(verify)?)
        } else if let Some(delivery) = &step.webhook {
            Some(webhook::request(delivery)?)
        } else if let Some(chain) = &step.audit_chain {
            Some(self.audit_chain(chain)?)
        } else {
            None
        })
    }

    fn request(&self, verb: &str, call: &Call, cancellable: bool) -> Result<Value> {
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
        if let Some(at_once) = call.concurrency {
            request["concurrency"] = at_once.into();
        }
        // A blocking language may have to run it where it can be interrupted.
        if cancellable {
            request["cancellable"] = true.into();
        }
        Ok(request)
    }

    fn is_cancelled_later(&self, step: &Step) -> bool {
        step.start.is_some() && self.case.steps.iter().any(|s| s.cancel == step.start)
    }

    async fn http(&self, http: &Http) -> Result<Value> {
        let filled = pattern::fill(
            &json!({"method": http.method, "path": http.path, "json": http.json, "form": http.form}),
            &self.values,
        )?;
        let mut filled: Http = serde_json::from_value(filled).map_err(|e| e.to_string())?;
        filled.json = filled.json.filter(|j| !j.is_null());
        self.real.request(&filled).await
    }

    /// Cancels as soon as the request is at the server, and waits until the server saw the client leave.
    async fn cancelled_call(&self, call: &Call) -> Result<Value> {
        let scripted = self.scripted()?;
        let (requests, closed) = {
            let progress = scripted.progress();
            (progress.requests, progress.closed.len())
        };
        let (id, receiver) = self.runner.send(self.request("call", call, true)?).await?;
        bounded(
            "the request to arrive",
            scripted.wait(|p| p.requests > requests),
        )
        .await?;
        let cancelled = Instant::now();
        let answer = self.runner.ask(json!({"do": "cancel", "call": id})).await?;
        if let Some(error) = answer.get("error") {
            return Err(format!("cannot cancel: {error}"));
        }
        let answer = self.runner.answer(receiver).await?;
        bounded(
            "the connection to be closed",
            scripted.wait(|p| p.closed.len() > closed),
        )
        .await?;
        let seen = scripted.progress().closed[closed].saturating_duration_since(cancelled);
        if let Ok(mut all) = self.runner.cancellations.lock() {
            all.push(seen);
        }
        if seen > CANCEL_SEEN_MAX {
            return Err(format!(
                "the server saw the cancellation only after {} ms",
                seen.as_millis()
            ));
        }
        Ok(answer)
    }

    async fn cancel(&self, name: &str) -> Result<Value> {
        let begun = self.begun.get(name).ok_or("nothing has that name")?;
        self.runner
            .ask(json!({"do": "cancel", "call": begun.id}))
            .await
    }

    async fn arrived(&self, wanted: &Seen) -> Result<()> {
        let requests = wanted.requests.as_ref().and_then(Value::as_u64);
        let requests = requests.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let tokens = wanted.token_requests.unwrap_or(0);
        let keys = wanted.key_requests.unwrap_or(0);
        let scripted = self.scripted()?;
        let wait =
            scripted.wait(move |p| p.requests >= requests && p.tokens >= tokens && p.keys >= keys);
        bounded("requests to arrive", wait).await.map_err(|why| {
            let p = scripted.progress();
            format!(
                "{why}: there were {} requests, {} token requests and {} key requests",
                p.requests, p.tokens, p.keys
            )
        })
    }

    fn verifier(&self, step: &VerifierStep) -> Result<Value> {
        let mut config = json!({
            "issuer": self.values["issuer"],
            "audience": AUDIENCE,
        });
        for (name, value) in &step.config {
            config[name] = pattern::fill(value, &self.values)?;
        }
        let mut request = json!({"do": "verifier", "verifier": self.unique, "config": config});
        if self.case.clock {
            request["clock"] = self.unique.as_str().into();
        }
        if step.with_client {
            request["client"] = self.client.as_str().into();
        }
        Ok(request)
    }

    fn verify(&self, step: &VerifyStep) -> Result<Value> {
        let token = match &step.token {
            TokenText::Text(text) => pattern::fill(&text.as_str().into(), &self.values)?,
            TokenText::Minted(spec) => {
                let issuer = self.values["issuer"].as_str().unwrap_or_default();
                Keys::get()?.mint(spec, issuer)?.into()
            }
        };
        let mut request = json!({"do": "verify", "verifier": self.unique, "token": token});
        if let Some(scopes) = &step.required_scopes {
            request["requiredScopes"] = json!(scopes);
        }
        Ok(request)
    }

    fn audit_chain(&self, step: &ChainStep) -> Result<Value> {
        let filled = pattern::fill(&step.events, &self.values)?;
        let mut events = filled
            .as_array()
            .cloned()
            .ok_or("`events` must be a list")?;
        if let Some(tamper) = &step.tamper {
            let event = events
                .get_mut(tamper.index)
                .ok_or("there is no such event")?;
            event[&tamper.member] = pattern::fill(&tamper.value, &self.values)?;
        }
        if let Some(index) = step.without.filter(|i| *i < events.len()) {
            events.remove(index);
        }
        if step.shuffled {
            let last = events.len().saturating_sub(1);
            events.swap(0, last);
        }
        Ok(json!({"do": "auditChain", "events": events}))
    }
}

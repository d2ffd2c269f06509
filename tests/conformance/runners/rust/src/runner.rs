//! The verbs.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use sentryagent_idp::{AgentIdPClient, TokenVerifier, clock::ManualClock, verify_audit_events};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::{
    args::{Fault, plain},
    generated, logs,
    request::{Called, Moved, NewClient, NewVerifier, Request, duration},
    shown,
};

/// How long a sleeper is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that the requests share.
#[derive(Clone, Default)]
pub struct Runner {
    clients: Rc<RefCell<HashMap<String, AgentIdPClient>>>,
    clocks: Rc<RefCell<HashMap<String, ManualClock>>>,
    verifiers: Rc<RefCell<HashMap<String, TokenVerifier>>>,
    calls: Rc<RefCell<HashMap<u64, AbortHandle>>>,
}

impl Runner {
    /// Answers at once or starts a task that will.
    pub fn take(&self, id: u64, request: Request) {
        match self.begin(id, request) {
            Ok(Some(value)) => answer(id, Ok(value)),
            Ok(None) => {}
            Err(fault) => answer(id, Err(fault)),
        }
    }

    /// The answer, unless a task will give it.
    fn begin(&self, id: u64, request: Request) -> Result<Option<Value>, Fault> {
        match request {
            Request::Client(new) => self.make_client(*new)?,
            Request::Verifier(new) => self.make_verifier(*new)?,
            Request::Clock(moved) => self.move_clock(&moved),
            Request::ClearTokenCache { client } => self.client(&client)?.clear_token_cache(),
            Request::Close { client } => self.client(&client)?.close(),
            Request::Cancel { call } => {
                if let Some(task) = self.calls.borrow_mut().remove(&call) {
                    task.abort();
                }
            }
            Request::Explain { client } => {
                return Ok(Some(self.client(&client)?.explain_configuration()));
            }
            Request::Webhook(delivery) => return delivery.verify().map(Some),
            Request::AuditChain { events } => {
                return plain(&verify_audit_events(&events)?).map(Some);
            }
            Request::Show { client } => return self.show(client.as_deref()).map(Some),
            Request::Logs => return Ok(Some(logs::kept())),
            Request::Exit => {}
            waits => {
                self.start(id, waits)?;
                return Ok(None);
            }
        }
        Ok(Some(Value::Null))
    }

    /// What takes its time.
    fn start(&self, id: u64, request: Request) -> Result<(), Fault> {
        match request {
            Request::Call(c) => {
                let client = self.client(&c.client)?;
                self.spawn(id, async move {
                    generated::call(&client, &c.operation, &c.args).await
                });
            }
            Request::Raw(c) => {
                let client = self.client(&c.client)?;
                self.spawn(id, async move {
                    generated::call(&client, &c.operation, &c.args.raw()).await
                });
            }
            Request::Pages(c) => {
                let client = self.client(&c.client)?;
                self.spawn(id, async move {
                    generated::pages(&client, &c.operation, &c.args, c.limit).await
                });
            }
            Request::Burst(c) => {
                let client = self.client(&c.client)?;
                self.spawn(id, async move { Ok(burst(&client, &c).await) });
            }
            Request::Token { client } => {
                let manager = self.client(&client)?.token_manager();
                self.spawn(id, async move {
                    shown::thing("token manager", &manager);
                    let token = manager.get_token().await?;
                    shown::thing("token", &token);
                    Ok(token.expose_secret().into())
                });
            }
            Request::Sleeping { clock, at_most_ms } => {
                let clock = self.clock(&clock);
                self.spawn(id, async move {
                    let slept = clock.sleeping(duration(at_most_ms));
                    match tokio::time::timeout(PATIENCE, slept).await {
                        Ok(time) => Ok(json!(time.as_secs_f64() * 1000.0)),
                        Err(_) => Err(Fault::said("nobody slept")),
                    }
                });
            }
            Request::Verify {
                verifier,
                token,
                required_scopes,
            } => {
                let verifier = self.verifiers.borrow().get(&verifier).cloned();
                let verifier = verifier.ok_or_else(|| Fault::said("no such verifier"))?;
                self.spawn(id, async move {
                    let verified = verifier.verify_scopes(&token, &required_scopes).await?;
                    shown::thing("verified token", &verified);
                    Ok(verified.to_json())
                });
            }
            _ => return Err(Fault::said("this verb does not take its time")),
        }
        Ok(())
    }

    fn make_client(&self, new: NewClient) -> Result<(), Fault> {
        let clock = new.clock.map(|name| self.clock(&name));
        let built = new.config.build(clock, new.traceparent)?;
        self.clients.borrow_mut().insert(new.client, built);
        Ok(())
    }

    fn make_verifier(&self, new: NewVerifier) -> Result<(), Fault> {
        let clock = new.clock.map(|name| self.clock(&name));
        let client = match new.client {
            Some(name) => Some(self.client(&name)?),
            None => None,
        };
        let built = new.config.build(clock, client.as_ref())?;
        shown::thing("verifier", &built);
        self.verifiers.borrow_mut().insert(new.verifier, built);
        Ok(())
    }

    /// The clock of that name; made when it is first spoken of.
    fn clock(&self, name: &str) -> ManualClock {
        let mut clocks = self.clocks.borrow_mut();
        let clock = clocks.entry(name.to_owned());
        clock.or_insert_with(ManualClock::at_present).clone()
    }

    fn move_clock(&self, moved: &Moved) {
        let clock = self.clock(&moved.clock);
        if let Some(ms) = moved.advance_ms {
            clock.advance(duration(ms));
        }
        if let Some(ms) = moved.jump_wall_ms {
            clock.jump_wall(ms);
        }
        if let Some(value) = moved.random {
            clock.set_random(value);
        }
    }

    fn show(&self, client: Option<&str>) -> Result<Value, Fault> {
        let mut shown = shown::all();
        if let Some(name) = client {
            let client = self.client(name)?;
            shown.push(format!("{client:?} {client:#?}"));
            shown.push(format!("{:?}", client.token_manager()));
            shown.push(client.explain_configuration().to_string());
        }
        Ok(shown.into())
    }

    fn client(&self, name: &str) -> Result<AgentIdPClient, Fault> {
        let clients = self.clients.borrow();
        let found = clients.get(name).cloned();
        found.ok_or_else(|| Fault::said(&format!("no client {name}")))
    }

    fn spawn(&self, id: u64, work: impl Future<Output = Result<Value, Fault>> + 'static) {
        let task = tokio::task::spawn_local(work);
        let calls = self.calls.clone();
        calls.borrow_mut().insert(id, task.abort_handle());
        tokio::task::spawn_local(async move {
            let outcome = match task.await {
                Ok(outcome) => outcome,
                Err(ended) if ended.is_cancelled() => Err(Fault::cancelled()),
                Err(ended) => Err(Fault::said(&ended.to_string())),
            };
            calls.borrow_mut().remove(&id);
            answer(id, outcome);
        });
    }
}

/// Many calls at once; counts how they end.
async fn burst(client: &AgentIdPClient, called: &Called) -> Value {
    let at_once = called.concurrency.unwrap_or(called.count).max(1);
    let calls = stream::iter(0..called.count)
        .map(|_| generated::call(client, &called.operation, &called.args));
    let mut outcomes = std::pin::pin!(calls.buffer_unordered(at_once));
    let (mut succeeded, mut failed, mut errors) = (0, 0, BTreeMap::<String, u64>::new());
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(_) => succeeded += 1,
            Err(fault) => {
                failed += 1;
                let code = fault.0["code"].as_str().unwrap_or("?").to_owned();
                *errors.entry(code).or_default() += 1;
            }
        }
    }
    json!({"succeeded": succeeded, "failed": failed, "errors": errors})
}

/// One line of standard output.
pub fn answer(id: u64, outcome: Result<Value, Fault>) {
    match outcome {
        Ok(value) => println!("{}", json!({"id": id, "ok": value})),
        Err(fault) => println!("{}", json!({"id": id, "error": fault.0})),
    }
}

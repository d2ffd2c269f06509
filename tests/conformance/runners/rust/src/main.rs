//! The Rust conformance runner: one JSON request a line on standard input, one JSON answer a line on
//! standard output, in any order. The cases, and the judgement, belong to the host.

#[allow(dead_code)] // what of it is used depends on the contract
mod args;
mod generated;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io::BufRead as _,
    rc::Rc,
    time::Duration,
};

use sentryagent_idp::{AgentIdPClient, Error};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet, LocalSet},
};

use crate::args::{Args, Fault};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
enum Request {
    Client {
        client: String,
        config: Box<Config>,
    },
    Call {
        client: String,
        operation: String,
        #[serde(default)]
        args: Args,
    },
    Cancel {
        call: u64,
    },
    Burst {
        client: String,
        operation: String,
        #[serde(default)]
        args: Args,
        count: usize,
    },
    Pages {
        client: String,
        operation: String,
        #[serde(default)]
        args: Args,
        limit: usize,
    },
    ClearTokenCache {
        client: String,
    },
    Close {
        client: String,
    },
    Exit,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    base_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scopes: Option<Vec<String>>,
    timeout_ms: Option<u64>,
    connect_timeout_ms: Option<u64>,
    retries: Option<u32>,
    headers: BTreeMap<String, String>,
    allow_insecure_http: Option<bool>,
    ca_bundle: Option<String>,
}

impl Config {
    fn build(self) -> Result<AgentIdPClient, Error> {
        let mut builder = AgentIdPClient::builder();
        if let Some(value) = self.base_url {
            builder = builder.base_url(value);
        }
        if let Some(value) = self.client_id {
            builder = builder.client_id(value);
        }
        if let Some(value) = self.client_secret {
            builder = builder.client_secret(value);
        }
        if let Some(value) = self.scopes {
            builder = builder.scopes(value);
        }
        if let Some(value) = self.timeout_ms {
            builder = builder.timeout(Duration::from_millis(value));
        }
        if let Some(value) = self.connect_timeout_ms {
            builder = builder.connect_timeout(Duration::from_millis(value));
        }
        if let Some(value) = self.retries {
            builder = builder.retries(value);
        }
        if let Some(value) = self.allow_insecure_http {
            builder = builder.allow_insecure_http(value);
        }
        if let Some(value) = self.ca_bundle {
            builder = builder.ca_bundle(value);
        }
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        builder.build()
    }
}

/// Everything that the requests share.
#[derive(Clone, Default)]
struct Runner {
    clients: Rc<RefCell<HashMap<String, AgentIdPClient>>>,
    calls: Rc<RefCell<HashMap<u64, AbortHandle>>>,
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!(
        "{}",
        json!({"ready": {"language": "rust", "mode": "async", "version": env!("CARGO_PKG_RUST_VERSION")}})
    );
    let (lines, mut requests) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let runner = Runner::default();
        while let Some(line) = requests.recv().await {
            let Ok(request) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            let id = request["id"].as_u64().unwrap_or_default();
            match serde_json::from_value(request) {
                Ok(Request::Exit) => break,
                Ok(request) => runner.take(id, request),
                Err(e) => answer(id, Err(Fault::said(&e.to_string()))),
            }
        }
    });
    Ok(())
}

impl Runner {
    /// Answers at once or starts a task that will.
    fn take(&self, id: u64, request: Request) {
        match request {
            Request::Client { client, config } => answer(
                id,
                config.build().map_err(Fault::from).map(|built| {
                    self.clients.borrow_mut().insert(client, built);
                    Value::Null
                }),
            ),
            Request::Cancel { call } => {
                if let Some(task) = self.calls.borrow_mut().remove(&call) {
                    task.abort();
                }
                answer(id, Ok(Value::Null));
            }
            Request::ClearTokenCache { client } => {
                answer(
                    id,
                    self.client(&client).map(|client| {
                        client.clear_token_cache();
                        Value::Null
                    }),
                );
            }
            Request::Close { client } => {
                answer(
                    id,
                    self.client(&client).map(|client| {
                        client.close();
                        Value::Null
                    }),
                );
            }
            Request::Call {
                client,
                operation,
                args,
            } => self.start(id, &client, |client| async move {
                generated::call(&client, &operation, &args).await
            }),
            Request::Pages {
                client,
                operation,
                args,
                limit,
            } => self.start(id, &client, |client| async move {
                generated::pages(&client, &operation, &args, limit).await
            }),
            Request::Burst {
                client,
                operation,
                args,
                count,
            } => self.start(id, &client, |client| async move {
                Ok(burst(&client, &operation, &args, count).await)
            }),
            Request::Exit => {}
        }
    }

    fn client(&self, name: &str) -> Result<AgentIdPClient, Fault> {
        let clients = self.clients.borrow();
        clients
            .get(name)
            .cloned()
            .ok_or_else(|| Fault::said(&format!("no client {name}")))
    }

    fn start<F>(&self, id: u64, client: &str, work: impl FnOnce(AgentIdPClient) -> F)
    where
        F: Future<Output = Result<Value, Fault>> + 'static,
    {
        let client = match self.client(client) {
            Ok(client) => client,
            Err(fault) => return answer(id, Err(fault)),
        };
        let task = tokio::task::spawn_local(work(client));
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
async fn burst(client: &AgentIdPClient, operation: &str, args: &Args, count: usize) -> Value {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let (client, operation, args) = (client.clone(), operation.to_owned(), args.clone());
        calls.spawn_local(async move { generated::call(&client, &operation, &args).await });
    }
    let (mut succeeded, mut failed, mut errors) = (0, 0, BTreeMap::<String, u64>::new());
    while let Some(outcome) = calls.join_next().await {
        match outcome {
            Ok(Ok(_)) => succeeded += 1,
            Ok(Err(fault)) => {
                failed += 1;
                let code = fault.0["code"].as_str().unwrap_or("?").to_owned();
                *errors.entry(code).or_default() += 1;
            }
            Err(ended) => {
                failed += 1;
                *errors.entry(ended.to_string()).or_default() += 1;
            }
        }
    }
    json!({"succeeded": succeeded, "failed": failed, "errors": errors})
}

fn answer(id: u64, outcome: Result<Value, Fault>) {
    match outcome {
        Ok(value) => println!("{}", json!({"id": id, "ok": value})),
        Err(fault) => println!("{}", json!({"id": id, "error": fault.0})),
    }
}

//! A server that says exactly what a case says, misbehaviour included. It speaks HTTP/1.1 by
//! hand, because a library would not let it cut, garble or withhold an answer.
//!
//! Three kinds of request have a script each: token requests, requests for an issuer's keys or
//! description, and all others. Behind the end of the first two stand good answers.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    authority::Authority,
    case::{Answer, Case, Result},
    http1,
    issuer::{Keys, PUBLISHED},
    line::{self, Stream},
};

/// Seconds that a good token of the scripted server lives.
const TOKEN_LIFE_SECONDS: u64 = 3600;
/// What every token of a scripted server begins with; nothing a runner prints may hold it.
pub const TOKEN_PREFIX: &str = "scripted-token-";

/// A running scripted server; it ends when dropped.
pub struct Scripted {
    /// `http://127.0.0.1:<port>`, or `https`.
    pub base_url: String,
    /// `127.0.0.1:<port>`, which is also a proxy's.
    pub address: String,
    state: Arc<State>,
    accept: tokio::task::JoinHandle<()>,
}

struct State {
    base_url: String,
    tls: Option<Arc<ServerConfig>>,
    is_silent: bool,
    /// Requests for keys have a script of their own.
    is_issuer: bool,
    script: Mutex<Script>,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    tokens: VecDeque<Answer>,
    keys: VecDeque<Answer>,
    seen: Vec<Value>,
    tokens_seen: Vec<Value>,
    tunnels_seen: Vec<Value>,
}

/// What has happened so far, for those who wait for it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Requests read, token and key requests apart.
    pub requests: usize,
    /// Token requests read.
    pub tokens: usize,
    /// Key requests read.
    pub keys: usize,
    /// Connections accepted.
    pub connections: usize,
    /// When the client closed a connection whose request was not answered, each time.
    pub closed: Vec<Instant>,
    released: BTreeSet<String>,
}

/// What a request is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Token,
    Keys,
    Else,
}

impl Scripted {
    /// Starts one on a free port.
    pub async fn start(case: &Case) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let address = format!("127.0.0.1:{port}");
        let scheme = if case.tls.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{address}");
        let tls = match case.tls {
            Some(tls) => Some(Authority::get()?.server(tls.asks_for_client)?),
            None => None,
        };
        let state = Arc::new(State {
            base_url: base_url.clone(),
            tls,
            is_silent: case.tls.is_some_and(|tls| tls.silent),
            is_issuer: case.steps.iter().any(|s| s.verifier.is_some()),
            script: Mutex::new(Script {
                answers: repeated(&case.answers),
                tokens: repeated(&case.tokens),
                keys: repeated(&case.keys),
                ..Script::default()
            }),
            progress: watch::channel(Progress::default()).0,
        });
        let accepted = state.clone();
        let accept = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                accepted.progress.send_modify(|p| p.connections += 1);
                connections.spawn(serve(stream, accepted.clone()));
            }
        });
        Ok(Self {
            base_url,
            address,
            state,
            accept,
        })
    }

    /// Every request so far, token and key requests apart.
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.state.script).seen.clone()
    }

    /// Every token request so far.
    pub fn token_requests(&self) -> Vec<Value> {
        lock(&self.state.script).tokens_seen.clone()
    }

    /// Every request for a tunnel so far.
    pub fn tunnels(&self) -> Vec<Value> {
        lock(&self.state.script).tunnels_seen.clone()
    }

    /// What has happened so far.
    pub fn progress(&self) -> Progress {
        self.state.progress.borrow().clone()
    }

    /// Waits until that holds of what has happened.
    pub async fn wait(&self, holds: impl FnMut(&Progress) -> bool) {
        let mut progress = self.state.progress.subscribe();
        let _ = progress.wait_for(holds).await;
    }

    /// Lets answers go that wait at this gate.
    pub fn release(&self, gate: &str) {
        self.state.progress.send_modify(|p| {
            p.released.insert(gate.to_owned());
        });
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn repeated(answers: &[Answer]) -> VecDeque<Answer> {
    answers
        .iter()
        .flat_map(|a| std::iter::repeat_n(a.clone(), a.repeat.unwrap_or(1)))
        .collect()
}

async fn serve(mut tcp: TcpStream, state: Arc<State>) {
    if state.is_silent {
        return closed(&mut tcp).await;
    }
    let Some((mut stream, tunnel)) = line::open(tcp, state.tls.as_ref()).await else {
        return;
    };
    lock(&state.script).tunnels_seen.extend(tunnel);
    let mut buffer = Vec::new();
    while let Some(request) = http1::read_request(&mut *stream, &mut buffer).await {
        let answer = state.take(request);
        let answered = tokio::select! {
            () = state.delay(&answer) => true,
            () = closed(&mut *stream) => false,
        };
        if !answered {
            state
                .progress
                .send_modify(|p| p.closed.push(Instant::now()));
            return;
        }
        if answer.close || http1::write_answer(&mut *stream, &answer).await.is_none() {
            return;
        }
        if answer.stall {
            closed(&mut *stream).await;
            state
                .progress
                .send_modify(|p| p.closed.push(Instant::now()));
            return;
        }
    }
}

/// Returns when the client has given up: it sends nothing while it waits for an answer.
async fn closed(stream: &mut dyn Stream) {
    let mut byte = [0];
    while matches!(stream.read(&mut byte).await, Ok(n) if n > 0) {}
}

impl State {
    /// Records the request and says what comes back.
    fn take(&self, request: Value) -> Answer {
        let path = request["path"].as_str().unwrap_or_default();
        let about = if path == "/api/v1/token" || path == "/oauth2/token" {
            About::Token
        } else if self.is_issuer && (path.starts_with("/.well-known/") || path == "/jwks") {
            About::Keys
        } else {
            About::Else
        };
        let description = path.starts_with("/.well-known/") && !path.ends_with("jwks.json");
        let mut script = lock(&self.script);
        let next = match about {
            About::Token => {
                script.tokens_seen.push(request);
                script.tokens.pop_front()
            }
            // Only what has keys is scripted; the description always says where they are.
            About::Keys if description => None,
            About::Keys => script.keys.pop_front(),
            About::Else => {
                script.seen.push(request);
                script.answers.pop_front()
            }
        };
        drop(script);
        let mut count = 0;
        self.progress.send_modify(|p| {
            let counter = match about {
                About::Token => &mut p.tokens,
                About::Keys if description => return,
                About::Keys => &mut p.keys,
                About::Else => &mut p.requests,
            };
            *counter += 1;
            count = *counter;
        });
        match (next, about) {
            (Some(answer), About::Keys) if answer.json.is_none() && answer.is_good() => {
                self.key_set(&answer)
            }
            (Some(answer), _) => answer,
            (None, About::Token) => good_token(count),
            (None, About::Keys) if description => self.description(),
            (None, About::Keys) => self.key_set(&Answer::default()),
            (None, About::Else) => Answer {
                status: Some(599),
                json: Some(
                    json!({"code": "SCRIPT_ENDED", "message": "the case has no answer for this request"}),
                ),
                ..Answer::default()
            },
        }
    }

    /// The time, or the gate, before an answer.
    async fn delay(&self, answer: &Answer) {
        if let Some(ms) = answer.hold_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        if answer.hang {
            std::future::pending::<()>().await;
        }
        if let Some(gate) = &answer.gate {
            let mut progress = self.progress.subscribe();
            let _ = progress.wait_for(|p| p.released.contains(gate)).await;
        }
    }

    fn key_set(&self, answer: &Answer) -> Answer {
        let names = answer
            .key_names
            .clone()
            .unwrap_or_else(|| PUBLISHED.map(str::to_owned).to_vec());
        let made = Keys::get().and_then(|keys| keys.jwks(&names));
        Answer {
            json: Some(made.unwrap_or_else(|why| json!({"error": why}))),
            ..answer.clone()
        }
    }

    /// RFC 8414, as far as a verifier reads it.
    fn description(&self) -> Answer {
        Answer {
            json: Some(json!({
                "issuer": self.base_url,
                "jwks_uri": format!("{}/jwks", self.base_url),
                "token_endpoint": format!("{}/api/v1/token", self.base_url),
            })),
            ..Answer::default()
        }
    }
}

fn good_token(count: usize) -> Answer {
    Answer {
        json: Some(json!({
            "access_token": format!("{TOKEN_PREFIX}{count}"),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_SECONDS,
            "scope": "agents:read agents:write tokens:read audit:read",
        })),
        ..Answer::default()
    }
}

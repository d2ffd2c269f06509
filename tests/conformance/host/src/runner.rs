//! A language's runner: a child process that takes one JSON object a line and answers the same
//! way, in any order.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{Mutex, oneshot},
};

use crate::case::Result;

/// How long a runner may take for one answer before the case fails: far above anything that a
/// healthy one needs, so that no case depends on it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Value>>>>>;

/// A running runner.
pub struct Runner {
    /// What the command line calls it.
    pub name: String,
    /// What it said of itself.
    pub ready: Value,
    child: Mutex<Child>,
    stdin: Mutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Runner {
    /// Starts it and waits until it says that it is ready.
    pub async fn start(name: &str, command: &[String]) -> Result<Self> {
        let (program, args) = command.split_first().ok_or("a runner without a command")?;
        let mut child = Command::new(program)
            .args(args)
            // A runner gets its whole configuration from the harness.
            .env_remove("AGENTIDP_BASE_URL")
            .env_remove("AGENTIDP_CLIENT_ID")
            .env_remove("AGENTIDP_CLIENT_SECRET")
            .env_remove("AGENTIDP_SCOPES")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{name}: cannot start `{program}`: {e}"))?;
        let stdin = child.stdin.take().ok_or("no standard input")?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(ANSWER_TIMEOUT, lines.next_line())
            .await
            .ok()
            .and_then(|line| line.ok().flatten())
            .ok_or_else(|| format!("{name}: ended before it was ready"))?;
        let ready: Value = serde_json::from_str(&first)
            .map_err(|e| format!("{name}: its first line is no JSON ({e}): {first}"))?;
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let answers = waiting.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(answer) = serde_json::from_str::<Value>(&line) else {
                    eprintln!("not an answer: {line}");
                    continue;
                };
                let sender = match (answer["id"].as_u64(), answers.lock().await.as_mut()) {
                    (Some(id), Some(map)) => map.remove(&id),
                    _ => None,
                };
                if let Some(sender) = sender {
                    let _ = sender.send(answer);
                }
            }
            // Nobody waits for a runner that is gone.
            answers.lock().await.take();
        });
        Ok(Self {
            name: name.to_owned(),
            ready: ready["ready"].clone(),
            child: Mutex::new(child),
            stdin: Mutex::new(stdin),
            waiting,
            next: AtomicU64::new(1),
        })
    }

    /// Sends a request and returns its id and where its answer will come.
    pub async fn send(&self, mut request: Value) -> Result<(u64, oneshot::Receiver<Value>)> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request["id"] = id.into();
        let (sender, receiver) = oneshot::channel();
        match self.waiting.lock().await.as_mut() {
            Some(map) => map.insert(id, sender),
            None => return Err(format!("{}: the runner is gone", self.name)),
        };
        let line = format!("{request}\n");
        let mut stdin = self.stdin.lock().await;
        stdin
            .write_all(line.as_bytes())
            .await
            .map_err(|e| format!("{}: {e}", self.name))?;
        stdin
            .flush()
            .await
            .map_err(|e| format!("{}: {e}", self.name))?;
        Ok((id, receiver))
    }

    /// Waits for an answer.
    pub async fn answer(&self, receiver: oneshot::Receiver<Value>) -> Result<Value> {
        match tokio::time::timeout(ANSWER_TIMEOUT, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(format!("{}: the runner ended without an answer", self.name)),
            Err(_) => Err(format!(
                "{}: no answer after {} s",
                self.name,
                ANSWER_TIMEOUT.as_secs()
            )),
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&self, request: Value) -> Result<Value> {
        let (_, receiver) = self.send(request).await?;
        self.answer(receiver).await
    }

    /// Asks it to end and checks that it does, by itself and cleanly.
    pub async fn exit(&self) -> Result<()> {
        let sent = self.send(json!({"do": "exit"})).await;
        let mut child = self.child.lock().await;
        let status = tokio::time::timeout(ANSWER_TIMEOUT, child.wait())
            .await
            .map_err(|_| {
                format!(
                    "{}: still alive {} s after `exit`",
                    self.name,
                    ANSWER_TIMEOUT.as_secs()
                )
            })?
            .map_err(|e| e.to_string())?;
        sent?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{}: ended with {status}", self.name))
        }
    }
}

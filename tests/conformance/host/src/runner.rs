//! A language's runner: a child process that takes one JSON object a line and answers the same
//! way, in any order.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{Mutex, oneshot},
    task::JoinHandle,
};

use crate::{case::Result, transcript::Transcript};

/// How long a runner may take for one answer before the case fails: far above anything that a
/// healthy one needs, so that no case depends on it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// What a runner reads from its environment is the harness's, not the user's.
const VARIABLES: [&str; 5] = [
    "AGENTIDP_BASE_URL",
    "AGENTIDP_CLIENT_ID",
    "AGENTIDP_CLIENT_SECRET",
    "AGENTIDP_SCOPES",
    "AGENTIDP_CA_BUNDLE",
];

/// Somebody who waits for an answer.
struct Waiter {
    sender: oneshot::Sender<Value>,
    /// What was asked, in words.
    asked: String,
    /// A good answer has to hold a secret.
    carries_secret: bool,
}

type Waiting = Arc<Mutex<Option<HashMap<u64, Waiter>>>>;

/// A running runner.
pub struct Runner {
    /// What the command line calls it.
    pub name: String,
    /// What it said of itself.
    pub ready: Value,
    /// What it printed.
    pub transcript: Arc<Transcript>,
    /// How long after a cancellation the server saw the client leave, each time.
    pub cancellations: std::sync::Mutex<Vec<Duration>>,
    child: Mutex<Child>,
    stdin: Mutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
    sensitive: BTreeSet<String>,
    stderr: JoinHandle<()>,
    command: Vec<String>,
}

impl Runner {
    /// Starts it and waits until it says that it is ready. Answers of `sensitive` operations hold
    /// secrets.
    pub async fn start(
        name: &str,
        command: &[String],
        sensitive: BTreeSet<String>,
    ) -> Result<Self> {
        Self::start_in(name, command, sensitive, &BTreeMap::new()).await
    }

    /// Another one of the same language that finds these variables in its environment.
    pub async fn another(&self, environment: &BTreeMap<String, String>) -> Result<Self> {
        let sensitive = self.sensitive.clone();
        Self::start_in(&self.name, &self.command, sensitive, environment).await
    }

    async fn start_in(
        name: &str,
        command: &[String],
        sensitive: BTreeSet<String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let (program, args) = command.split_first().ok_or("a runner without a command")?;
        let mut spawned = Command::new(program);
        for variable in VARIABLES {
            spawned.env_remove(variable);
        }
        let mut child = spawned
            .envs(environment)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("{name}: cannot start `{program}`: {e}"))?;
        let stdin = child.stdin.take().ok_or("no standard input")?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let transcript = Arc::new(Transcript::default());
        let stderr = child.stderr.take().ok_or("no standard error")?;
        let stderr = tokio::spawn(errors(stderr, transcript.clone()));
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(ANSWER_TIMEOUT, lines.next_line())
            .await
            .ok()
            .and_then(|line| line.ok().flatten())
            .ok_or_else(|| format!("{name}: ended before it was ready"))?;
        let ready: Value = serde_json::from_str(&first)
            .map_err(|e| format!("{name}: its first line is no JSON ({e}): {first}"))?;
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(answers(lines, waiting.clone(), transcript.clone()));
        Ok(Self {
            name: name.to_owned(),
            ready: ready["ready"].clone(),
            transcript,
            cancellations: std::sync::Mutex::default(),
            child: Mutex::new(child),
            stdin: Mutex::new(stdin),
            waiting,
            next: AtomicU64::new(1),
            sensitive,
            stderr,
            command: command.to_vec(),
        })
    }

    /// Its process.
    pub async fn pid(&self) -> Option<u32> {
        self.child.lock().await.id()
    }

    /// Sends a request and returns its id and where its answer will come.
    pub async fn send(&self, mut request: Value) -> Result<(u64, oneshot::Receiver<Value>)> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request["id"] = id.into();
        self.transcript.secrets_of(&request);
        let (sender, receiver) = oneshot::channel();
        let operation = request["operation"].as_str().unwrap_or_default();
        let verb = request["do"].as_str().unwrap_or_default();
        let waiter = Waiter {
            sender,
            asked: format!("{verb} {operation}"),
            carries_secret: verb == "token" || self.sensitive.contains(operation),
        };
        match self.waiting.lock().await.as_mut() {
            Some(map) => map.insert(id, waiter),
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
        self.answer_within(receiver, ANSWER_TIMEOUT).await
    }

    /// Waits that long for an answer.
    pub async fn answer_within(
        &self,
        receiver: oneshot::Receiver<Value>,
        patience: Duration,
    ) -> Result<Value> {
        match tokio::time::timeout(patience, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(format!("{}: the runner ended without an answer", self.name)),
            Err(_) => Err(format!(
                "{}: no answer after {} s",
                self.name,
                patience.as_secs()
            )),
        }
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&self, request: Value) -> Result<Value> {
        let (_, receiver) = self.send(request).await?;
        self.answer(receiver).await
    }

    /// Asks it to end and checks that it does, by itself and cleanly.
    pub async fn exit(self) -> Result<Arc<Transcript>> {
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
        // Nothing may be missed that it said on its way out. Fails only if reading panicked.
        let _ = self.stderr.await;
        if status.success() {
            Ok(self.transcript)
        } else {
            Err(format!("{}: ended with {status}", self.name))
        }
    }
}

async fn errors(stderr: ChildStderr, transcript: Arc<Transcript>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{line}");
        transcript.printed("standard error", line);
    }
}

async fn answers(
    mut lines: tokio::io::Lines<BufReader<ChildStdout>>,
    waiting: Waiting,
    transcript: Arc<Transcript>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(answer) = serde_json::from_str::<Value>(&line) else {
            eprintln!("not an answer: {line}");
            transcript.printed("standard output", line);
            continue;
        };
        let waiter = match (answer["id"].as_u64(), waiting.lock().await.as_mut()) {
            (Some(id), Some(map)) => map.remove(&id),
            _ => None,
        };
        if let Some(waiter) = waiter {
            transcript.secrets_of(&answer["ok"]);
            let failed = answer.get("error").is_some();
            if failed || !waiter.carries_secret {
                transcript.printed(&format!("the answer to `{}`", waiter.asked), line);
            } else if let Some(token) = answer["ok"].as_str() {
                transcript.secret(token);
            }
            // Fails when nobody waits any more.
            let _ = waiter.sender.send(answer);
        }
    }
    // Nobody waits for a runner that is gone.
    waiting.lock().await.take();
}

//! A case, as the YAML files under `tests/conformance/<section>/` hold it.
//!
//! A case talks either to a `scripted` server, which answers exactly what the case says, or to
//! the `real` one. It is a list of steps; a case with a single call may write `call` and `expect`
//! at its top.

use std::{collections::BTreeMap, path::Path};

use agentidp_codegen::node::Node;
use serde::Deserialize;
use serde_json::Value;

use crate::verbs::{ChainStep, ClockMove, Http, Seen, VerifierStep, VerifyStep, WebhookStep};

/// Any failure of the harness itself, as one sentence.
pub type Result<T> = std::result::Result<T, String>;

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// What holds, as a sentence.
    pub name: String,
    /// `<operation> <aspect>` pairs that this case proves, such as `getAgent AGENT_NOT_FOUND`.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Which server it talks to.
    pub server: ServerKind,
    /// Configuration of the client, merged over the harness's.
    #[serde(default)]
    pub client: BTreeMap<String, Value>,
    /// What the scripted server answers, request by request; token requests have a list of
    /// their own and are answered with good tokens behind its end.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What the scripted server answers to token requests.
    #[serde(default)]
    pub tokens: Vec<Answer>,
    /// What the scripted issuer answers to requests for its keys; behind the end stand good ones.
    #[serde(default)]
    pub keys: Vec<Answer>,
    /// The client, and the verifier, have a clock that only the steps move.
    #[serde(default)]
    pub clock: bool,
    /// The scripted server speaks TLS, and wants a client's certificate or not.
    pub tls: Option<Tls>,
    /// What the client's hook for trace contexts answers.
    pub traceparent: Option<String>,
    /// Variables of a runner that is started for this case alone.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Run when everything else is over, and judge everything that the runner ever printed.
    #[serde(default)]
    pub no_secret_shows: bool,
    /// The steps.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The only step's call.
    pub call: Option<Call>,
    /// The only step's expectation.
    pub expect: Option<Expect>,
    /// What the scripted server must have seen, in order, token requests apart.
    pub requests: Option<Vec<Value>>,
    /// How many token requests the scripted server must have seen.
    pub token_requests: Option<usize>,
    /// Runners that leave the case out, with the reason.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
    /// The section's folder; set when read.
    #[serde(skip)]
    pub section: String,
}

/// Which server a case talks to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// The product's own.
    Real,
    /// One that says exactly what the case says.
    Scripted,
}

/// How the scripted server speaks TLS.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tls {
    /// It refuses who shows no certificate of the run's authority.
    #[serde(default)]
    pub asks_for_client: bool,
    /// It accepts connections and then says nothing, so that none is ever made.
    #[serde(default)]
    pub silent: bool,
}

/// One step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// A call through the SDK.
    pub call: Option<Call>,
    /// The auto-paging iterator of the SDK, collected.
    pub pages: Option<Call>,
    /// Many calls at once.
    pub burst: Option<Call>,
    /// A call whose whole answer is shown: status, headers, request id, value.
    pub raw: Option<Call>,
    /// The access token, by the public token manager.
    #[serde(default)]
    pub token: bool,
    /// Begins the verb of this step without waiting for its end, under this name.
    pub start: Option<String>,
    /// The end of what was begun under this name.
    pub finish: Option<String>,
    /// Cancels what was begun under this name.
    pub cancel: Option<String>,
    /// Moves the clock.
    pub clock: Option<ClockMove>,
    /// Until somebody sleeps at most that many milliseconds on the clock: how long.
    pub sleeping: Option<f64>,
    /// Until the scripted server has read at least so many.
    pub arrived: Option<Seen>,
    /// What the scripted server has seen, exactly, now.
    pub seen: Option<Seen>,
    /// Until the scripted server saw a client leave so many unanswered requests.
    pub closed: Option<usize>,
    /// Lets the scripted answers go that wait at this gate.
    pub release: Option<String>,
    /// Whether the runner's process has a thread of the core, now.
    pub core_thread: Option<bool>,
    /// Makes a verifier; later steps use it.
    pub verifier: Option<VerifierStep>,
    /// Verifies a token.
    pub verify: Option<VerifyStep>,
    /// Verifies a webhook delivery.
    pub webhook: Option<WebhookStep>,
    /// Checks audit events offline.
    pub audit_chain: Option<ChainStep>,
    /// Where each value of the configuration came from.
    #[serde(default)]
    pub explain: bool,
    /// Every way in which the language shows its objects.
    #[serde(default)]
    pub show: bool,
    /// What reached the host's log.
    #[serde(default)]
    pub logs: bool,
    /// Drops the client's token.
    #[serde(default)]
    pub clear_token_cache: bool,
    /// Closes the client.
    #[serde(default)]
    pub close: bool,
    /// A plain HTTP request of the harness itself to the real server, as the bootstrap admin.
    pub http: Option<Http>,
    /// What must come of it.
    pub expect: Option<Expect>,
    /// Asks again until that comes of it: for what happens in the background.
    #[serde(default)]
    pub eventually: bool,
    /// Keeps the value under this name for later `${name.field}`.
    pub save: Option<String>,
    /// Uses this client (`{clientId, clientSecret, …}` over the case's; null leaves a key out) from here
    /// on. Alone in a step with `expect`: what must come of making it.
    pub client: Option<BTreeMap<String, Value>>,
    /// With `client`: the client before it stays open.
    #[serde(default)]
    pub beside: bool,
}

/// A call through the SDK.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Call {
    /// The operation's id.
    pub operation: String,
    /// The args envelope.
    #[serde(default)]
    pub args: Value,
    /// Cancel as soon as the scripted server has read the request.
    #[serde(default)]
    pub cancel: bool,
    /// How many, for `burst`; how many items at most, for `pages`.
    pub count: Option<u32>,
    /// How many at the same time, for `burst`; all unless said.
    pub concurrency: Option<u32>,
}

/// What must come of a step: exactly one of the two.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// A value that matches this pattern.
    pub value: Option<Value>,
    /// An error whose record matches this pattern.
    pub error: Option<Value>,
}

/// What the scripted server does with one request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Answer {
    /// Status, 200 unless said.
    pub status: Option<u16>,
    /// Headers beside the usual ones; `$dateIn:<seconds>` is a date that far from now.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    pub json: Option<Value>,
    /// A body as text; `application/json` unless a header says otherwise.
    pub text: Option<String>,
    /// A JSON string of this many bytes in the field `padding` of `json`.
    pub padding: Option<usize>,
    /// Announces the whole body, sends this many bytes of it and closes.
    pub cut: Option<usize>,
    /// With `cut`: keeps the connection open and silent after that.
    #[serde(default)]
    pub stall: bool,
    /// Closes without a byte.
    #[serde(default)]
    pub close: bool,
    /// Answers nothing and keeps the connection open until the client closes it.
    #[serde(default)]
    pub hang: bool,
    /// Answers something that is not HTTP.
    #[serde(default)]
    pub garbage: bool,
    /// Before the answer, until a step releases this gate.
    pub gate: Option<String>,
    /// The body is compressed.
    #[serde(default)]
    pub gzip: bool,
    /// Of an answer to a request for keys: which ones.
    pub key_names: Option<Vec<String>>,
    /// Milliseconds before the answer: so that every caller of a burst is waiting when it comes.
    pub hold_ms: Option<u64>,
    /// The same answer this many times, once unless said.
    pub repeat: Option<usize>,
}

impl Case {
    /// It looks at what reached the host's log.
    pub fn reads_log(&self) -> bool {
        self.steps.iter().any(|s| s.logs)
    }
}

impl Answer {
    /// It has the status of success.
    pub fn is_good(&self) -> bool {
        self.status.is_none_or(|s| s == 200) && self.text.is_none()
    }
}

/// Reads every case below the folder, sections in the given order.
pub fn read_all(dir: &Path, sections: &[String]) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for section in sections {
        let folder = dir.join(section);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .map_err(|e| format!("{}: {e}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
        for file in files {
            let name = format!(
                "tests/conformance/{section}/{}",
                file.file_name().unwrap_or_default().to_string_lossy()
            );
            let root = Node::read(&file, &name).map_err(|e| e.to_string())?;
            for node in root.list().map_err(|e| e.to_string())? {
                let mut case: Case =
                    serde_json::from_value(node.json()).map_err(|e| format!("{}: {e}", node.at))?;
                if let Some(call) = case.call.take() {
                    let expect = case.expect.take();
                    case.steps.push(Step {
                        call: Some(call),
                        expect,
                        ..Step::default()
                    });
                }
                if case.steps.is_empty() {
                    return Err(format!(
                        "{}: the case has neither `call` nor `steps`",
                        node.at
                    ));
                }
                case.section.clone_from(section);
                if cases.iter().any(|c: &Case| c.name == case.name) {
                    return Err(format!(
                        "{}: a second case is called `{}`",
                        node.at, case.name
                    ));
                }
                cases.push(case);
            }
        }
    }
    Ok(cases)
}

//! A case, as the YAML files under tests/conformance/<section>/ hold it.
//!
//! A case talks either to a `scripted` server, which answers exactly what the case says, or to
//! the `real` one. It is a list of steps; a case with a single call may write `call` and `expect`
//! at its top.

use std::{collections::BTreeMap, path::Path};

use agentidp_codegen::node::Node;
use serde::Deserialize;
use serde_json::Value;

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
    /// Keeps the value under this name for later `${name.field}`.
    pub save: Option<String>,
    /// Uses this client (`{clientId, clientSecret, …}` over the case's) from here on.
    pub client: Option<BTreeMap<String, Value>>,
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
    /// How many at once, for `burst`; how many items at most, for `pages`.
    pub count: Option<u32>,
}

/// A plain HTTP request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// JSON body.
    pub json: Option<Value>,
    /// Form body.
    pub form: Option<BTreeMap<String, String>>,
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
    /// Headers beside the usual ones.
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
    /// Closes without a byte.
    #[serde(default)]
    pub close: bool,
    /// Answers nothing and keeps the connection open until the client closes it.
    #[serde(default)]
    pub hang: bool,
    /// Answers something that is not HTTP.
    #[serde(default)]
    pub garbage: bool,
    /// Milliseconds before the answer: so that every caller of a burst is waiting when it comes.
    pub hold_ms: Option<u64>,
    /// The same answer this many times, once unless said.
    pub repeat: Option<usize>,
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

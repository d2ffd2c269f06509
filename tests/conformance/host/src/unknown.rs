//! Telling a verb that a runner does not know from one that fails: it is answered like a verb that
//! nobody can know.

use std::time::Duration;

use serde_json::json;

use crate::runner::Runner;

/// A runner that says nothing to it cannot be told from one that is slow.
const PATIENCE: Duration = Duration::from_secs(10);
const NO_VERB: &str = "noSuchVerb";
/// Verbs that a runner may lack while its language catches up.
const VERBS: [&str; 12] = [
    "clock",
    "sleeping",
    "token",
    "raw",
    "verifier",
    "verify",
    "webhook",
    "auditChain",
    "explain",
    "show",
    "logs",
    "client",
];

/// How one runner answers a verb that it does not know.
pub struct Unknown {
    message: Option<String>,
}

impl Unknown {
    /// Asks it.
    pub async fn learn(runner: &Runner) -> Self {
        let answer = match runner.send(json!({"do": NO_VERB})).await {
            Ok((_, receiver)) => runner.answer_within(receiver, PATIENCE).await,
            Err(gone) => Err(gone),
        };
        let message = answer
            .ok()
            .and_then(|a| a["error"]["message"].as_str().map(str::to_owned));
        Self { message }
    }

    /// The verb that the runner does not know, when the failure is that.
    pub fn verb(&self, failure: &str) -> Option<&'static str> {
        let message = self.message.as_deref()?;
        VERBS.into_iter().find(|verb| {
            let here = message.replace(NO_VERB, verb);
            // As it stands in a JSON text.
            let here = json!(here).to_string();
            failure.contains(here.trim_matches('"'))
        })
    }
}

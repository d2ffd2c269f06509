//! Reloading: on request, and when the files change.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::{PolicyError, Rego, Reload};

/// How often the files are looked at.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Looks at the files of a policy.
#[derive(Debug, Default)]
pub struct Watch {
    /// The version seen at the last look, unusable ones included.
    seen: Option<Result<String, PolicyError>>,
    /// What was last tried.
    tried: Option<Result<String, PolicyError>>,
}

impl Watch {
    /// Reloads what has changed since the last reload and has stood still between two looks, so
    /// that files that are being written are not read half. `None` when there was nothing to do;
    /// a policy that was refused is not tried again until it changes. Blocks.
    pub fn look(&mut self, policy: &Rego) -> Option<Result<Reload, PolicyError>> {
        let now = policy.source.read().map(|texts| texts.version);
        let still = self.seen.as_ref() == Some(&now);
        let holds = now.as_ref().is_ok_and(|now| *now == policy.version());
        self.seen = Some(now.clone());
        if holds {
            self.tried = None;
            return None;
        }
        if !still || self.tried.as_ref() == Some(&now) {
            return None;
        }
        self.tried = Some(now);
        Some(policy.reload())
    }

    /// Looks every `interval` until the task is aborted.
    pub fn start(policy: Arc<Rego>, interval: Duration) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut watch = Self::default();
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let policy = Arc::clone(&policy);
                let looked = tokio::task::spawn_blocking(move || {
                    let outcome = watch.look(&policy);
                    (watch, outcome)
                });
                // A look that panicked was reported where it did; the next one starts afresh.
                let (next, outcome) = looked.await.unwrap_or_default();
                watch = next;
                if let Some(outcome) = outcome {
                    report(&outcome);
                }
            }
        })
    }
}

/// Reloads because somebody asked for it, and says what became of it.
pub(super) async fn on_request(policy: Arc<Rego>) {
    match tokio::task::spawn_blocking(move || policy.reload()).await {
        Ok(outcome) => report(&outcome),
        Err(error) => {
            tracing::error!(%error, "the policy could not be reloaded; the old one is kept")
        }
    }
}

fn report(outcome: &Result<Reload, PolicyError>) {
    match outcome {
        Ok(Reload::Same) => tracing::info!("the policy has not changed"),
        Ok(Reload::Changed { version }) => tracing::info!(policy = version, "a new policy holds"),
        Err(error) => tracing::error!(%error, "the policy was refused; the old one is kept"),
    }
}

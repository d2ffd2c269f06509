//! Which scopes a route needs: a question to a Rego policy, denied when nothing matches.
//!
//! The built-in policy is `server/policy/authz.rego` with `data/scopes.json`, which is generated
//! from the contract; an operator's folder takes the place of either or both. A policy that cannot
//! be used never takes the place of one that can.

mod engine;
mod error;
mod needs;
mod scopes;
mod source;
mod watch;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;

use engine::Loaded;
use source::Source;

pub use error::PolicyError;
pub use scopes::{ScopeSet, UnknownScope};
pub use watch::{POLL_INTERVAL, Watch};

use crate::generated::policy::TABLE;

/// Decides whether a caller with these scopes may take a route.
pub trait Policy: Send + Sync + 'static {
    /// `route` as policies spell it: `/api/v1/agents/:id`.
    fn allow(&self, method: &str, route: &str, scopes: ScopeSet) -> bool;

    /// What the route needs, to tell a caller who was denied. Empty when that cannot be said.
    fn required(&self, method: &str, route: &str) -> ScopeSet;

    /// Whether it answers at all. Asks it, and leaves nothing in the log of decisions.
    fn check(&self) -> Result<(), PolicyError>;
}

/// A policy in Rego, evaluated in this process.
pub struct Rego {
    source: Source,
    loaded: ArcSwap<Loaded>,
}

/// What a reload found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The same text.
    Same,
    /// Another text, which holds from now on.
    Changed {
        /// Names it.
        version: String,
    },
}

impl Rego {
    /// The contract's own.
    pub fn built_in() -> Result<Self, PolicyError> {
        Self::new(Source::BuiltIn)
    }

    /// The folder's: `authz.rego`, `data/scopes.json`, or both; what is missing is built in.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Result<Self, PolicyError> {
        Self::new(Source::Folder(folder.into()))
    }

    fn new(source: Source) -> Result<Self, PolicyError> {
        let loaded = Loaded::new(source.read()?)?;
        let policy = Self {
            source,
            loaded: ArcSwap::from_pointee(loaded),
        };
        policy.say_what_is_unasked();
        Ok(policy)
    }

    /// Reads the files again. When they cannot be used the policy stays as it is. Blocks.
    pub fn reload(&self) -> Result<Reload, PolicyError> {
        let texts = self.source.read()?;
        if texts.version == self.version() {
            return Ok(Reload::Same);
        }
        self.loaded.store(Arc::new(Loaded::new(texts)?));
        self.say_what_is_unasked();
        Ok(Reload::Changed {
            version: self.version(),
        })
    }

    /// The same, and says in the log what became of it.
    pub async fn reload_and_report(self: Arc<Self>) {
        watch::on_request(self).await;
    }

    /// Names the policy that holds; the same for the same text.
    pub fn version(&self) -> String {
        self.loaded.load().version().to_owned()
    }

    /// A misspelt route denies its callers, which is safe but not what was meant.
    fn say_what_is_unasked(&self) {
        let asked = |key: &str| {
            TABLE
                .iter()
                .any(|(method, route, _)| key.split_once(':') == Some((method, route)))
        };
        for key in self.loaded.load().needs.unasked(asked) {
            tracing::warn!(
                key,
                "scopes.json names a route that this server does not ask about"
            );
        }
    }

    /// What an operator can audit. Never a token: scopes are all that the policy knows of a caller.
    fn log(loaded: &Loaded, method: &str, path: &str, scopes: ScopeSet, allow: bool) {
        let policy = loaded.version();
        if allow {
            tracing::debug!(target: "agentidp::decision", method, path, %scopes, allow, policy, "allowed");
        } else {
            tracing::info!(target: "agentidp::decision", method, path, %scopes, allow, policy, "denied");
        }
    }
}

impl Policy for Rego {
    fn allow(&self, method: &str, route: &str, scopes: ScopeSet) -> bool {
        let loaded = self.loaded.load();
        let allow = loaded.allow(method, route, scopes).unwrap_or_else(|error| {
            tracing::error!(%error, method, route, "the policy failed, so the request was denied");
            false
        });
        Self::log(&loaded, method, route, scopes, allow);
        allow
    }

    fn required(&self, method: &str, route: &str) -> ScopeSet {
        self.loaded
            .load()
            .needs
            .of(method, route)
            .unwrap_or_default()
    }

    fn check(&self) -> Result<(), PolicyError> {
        self.loaded
            .load()
            .allow("GET", "/health/probe", ScopeSet::EMPTY)
            .map(|_| ())
    }
}

//! A client as bindings hold it: configured by JSON, usable after a `fork`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use super::{
    config,
    generation::{PerProcess, watch_forks},
};
use crate::{
    AgentIdPClient, Error,
    client::Core,
    clock::SystemClock,
    config::{Config, process_environment},
};

/// A client. Cheap to clone; clones are one client. In a forked child it has connections and a token
/// cache of its own.
#[derive(Clone)]
pub struct BridgeClient(Arc<Shared>);

struct Shared {
    config: Config,
    inner: PerProcess<AgentIdPClient>,
    closed: AtomicBool,
}

impl BridgeClient {
    /// A client of this configuration. JSON keys, all optional: `baseUrl`, `clientId`,
    /// `clientSecret`, `scopes[]`, `timeoutMs`, `connectTimeoutMs`, `retries`, `headers{}`,
    /// `allowInsecureHttp`, `caBundle`, `language`, `runtime`. What is absent comes from the
    /// environment (`AGENTIDP_…`).
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names what is missing, wrong or unknown.
    pub fn from_json(config: &[u8]) -> Result<Self, Error> {
        watch_forks();
        Ok(Self(Arc::new(Shared {
            config: Config::resolve(config::read(config)?, &process_environment)?,
            inner: PerProcess::new(),
            closed: AtomicBool::new(false),
        })))
    }

    /// The access token, when it can be had at once on this thread: no task, no queue, no runtime.
    /// `None`: use [`Channel::start_token`](super::Channel::start_token).
    #[must_use]
    pub fn cached_token(&self) -> Option<String> {
        let core = self.core().ok()?;
        core.cached_token()
            .map(|token| token.access.expose_secret().to_owned())
    }

    /// Forgets the access token.
    pub fn clear_token_cache(&self) {
        if let Ok(core) = self.core() {
            core.tokens.clear();
        }
    }

    /// Each setting with its value and where it came from; secrets are masked.
    #[must_use]
    pub fn explain_configuration(&self) -> Value {
        self.0.config.explain()
    }

    /// Later calls fail with kind configuration, code `CLIENT_CLOSED`; calls on their way finish.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
    }

    pub(super) fn core(&self) -> Result<&Arc<Core>, Error> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        let client = self
            .0
            .inner
            .get_or_init(|| AgentIdPClient::assemble(self.0.config.clone(), Arc::new(SystemClock)));
        Ok(client.core())
    }
}

//! A client as bindings hold it: configured by JSON, usable after a `fork`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use super::{BridgeClock, config};
use crate::{
    AgentIdPClient, Error,
    client::{Core, next_id},
    clock::Clock,
    config::{Config, process_environment},
    log::event,
    process::{PerProcess, watch_forks},
};

/// A client. Cheap to clone; clones are one client. In a forked child it has connections and a token
/// cache of the child's.
#[derive(Clone)]
pub struct BridgeClient(Arc<Shared>);

struct Shared {
    id: u64,
    config: Config,
    clock: Option<Arc<dyn Clock>>,
    inner: PerProcess<AgentIdPClient>,
    closed: AtomicBool,
}

impl BridgeClient {
    /// A client of this configuration. JSON keys, all optional: `baseUrl`, `clientId`,
    /// `clientSecret`, `scopes[]`, `timeoutMs`, `connectTimeoutMs`, `retries`, `headers{}`,
    /// `allowInsecureHttp`, `caBundle`, `clientCertificate`, `clientKey`, `proxy`, `language`, `runtime`. What is absent comes from the
    /// environment (`AGENTIDP_…`).
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names what is missing, wrong or unknown.
    pub fn from_json(config: &[u8]) -> Result<Self, Error> {
        Self::from_json_with(config, None)
    }

    /// As [`from_json`](Self::from_json), with a clock of the host's tests.
    ///
    /// # Errors
    /// As `from_json`.
    pub fn from_json_with(config: &[u8], clock: Option<&BridgeClock>) -> Result<Self, Error> {
        watch_forks();
        Ok(Self(Arc::new(Shared {
            id: next_id(),
            clock: clock.map(BridgeClock::shared),
            config: Config::resolve(config::read(config)?, &process_environment)?,
            inner: PerProcess::new(),
            closed: AtomicBool::new(false),
        })))
    }

    /// A number that no other client of this process has; log records name it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The access token, when it can be had at once on this thread: no task, no queue, no runtime.
    /// `None`: use [`Channel::start_token`](super::Channel::start_token).
    #[must_use]
    pub fn cached_token(&self) -> Option<String> {
        let core = self.core().ok()?;
        core.cached_token()
            .map(|token| token.access.expose_secret().to_owned())
    }

    /// Forgets the access token, for all clients that share it.
    pub fn clear_token_cache(&self) {
        if let Ok(core) = self.core() {
            core.clear_token_cache();
        }
    }

    /// Each setting with its value and where it came from; secrets are masked.
    #[must_use]
    pub fn explain_configuration(&self) -> Value {
        self.0.config.explain(&process_environment)
    }

    /// Later calls fail with kind configuration, code `CLIENT_CLOSED`; calls on their way finish.
    pub fn close(&self) {
        if !self.0.closed.swap(true, Ordering::AcqRel) {
            event!(DEBUG, Some(self.0.id), "the client is closed");
            if let Some(client) = self.0.inner.get() {
                client.core().wind_up();
            }
        }
    }

    pub(super) fn core(&self) -> Result<&Arc<Core>, Error> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        let client = self.0.inner.get_or_init(|| {
            AgentIdPClient::assemble(self.0.id, self.0.config.clone(), self.0.clock.clone(), None)
        });
        Ok(client.core())
    }
}

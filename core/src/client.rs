//! The client: what it is built from and what all its clones share.
//!
//! Owns: [`AgentIdPClient`], its builder, its life. The services are generated.
//! Refuses: doing anything before the first call - no thread, no connection, no TLS set-up.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use crate::{
    Error, Secret,
    call::request::Options,
    clock::{Clock, SystemClock},
    config::{Arguments, Config, process_environment},
    log::event,
    token::{Token, TokenCache, TokenManager, cache_of},
    trace::Traceparent,
    transport::Transport,
};

/// A client of one AgentIdP server. Cheap to clone; clones share connections and token. Clients of one
/// process that are built apart share the token too where they would ask for the same one: the same
/// server, client id, secret and scopes, reached with the same headers, proxy and certificates.
///
/// ```no_run
/// # async fn f() -> Result<(), sentryagent_idp::Error> {
/// use sentryagent_idp::AgentIdPClient;
/// let client = AgentIdPClient::builder()
///     .base_url("https://idp.example.com")
///     .client_id("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11")
///     .client_secret("sk_live_…")
///     .build()?;
/// let agent = client.agents().get_agent("0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11").await?;
/// println!("{}", agent.email);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AgentIdPClient(Arc<Core>);

impl AgentIdPClient {
    /// Starts a configuration; what is left out comes from the environment (`AGENTIDP_BASE_URL`,
    /// `AGENTIDP_CLIENT_ID`, `AGENTIDP_CLIENT_SECRET`, `AGENTIDP_SCOPES`, `AGENTIDP_CA_BUNDLE`).
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client that is configured by the environment alone.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names each variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Access tokens for requests of the caller's own; shares this client's cache.
    #[must_use]
    pub fn token_manager(&self) -> TokenManager {
        TokenManager::of(self.0.clone())
    }

    /// Forgets the access token, for all clients that share it; the next call fetches a new one.
    pub fn clear_token_cache(&self) {
        self.0.clear_token_cache();
    }

    /// Each setting with its value and where it came from; secrets are masked.
    #[must_use]
    pub fn explain_configuration(&self) -> Value {
        self.0.config.explain(&process_environment)
    }

    /// Ends the client and its clones: later calls fail with `CLIENT_CLOSED`. Calls that are on
    /// their way finish. The token is forgotten unless another client shares it. Dropping the last clone has
    /// the same effect.
    pub fn close(&self) {
        if !self.0.closed.swap(true, Ordering::AcqRel) {
            event!(DEBUG, Some(self.0.id), "the client is closed");
            self.0.wind_up();
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    pub(crate) fn assemble(
        id: u64,
        config: Config,
        clock: Option<Arc<dyn Clock>>,
        traceparent: Option<Traceparent>,
    ) -> Self {
        let tokens = match clock {
            None => cache_of(&config),
            // Time is this client's own, and so is what ages by it.
            Some(_) => Arc::default(),
        };
        tokens.join();
        Self(Arc::new(Core {
            id,
            config,
            clock: clock.unwrap_or_else(|| Arc::new(SystemClock)),
            traceparent,
            tokens,
            transport: OnceLock::new(),
            transport_lock: Mutex::new(()),
            closed: AtomicBool::new(false),
            wound_up: AtomicBool::new(false),
        }))
    }
}

impl fmt::Debug for AgentIdPClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentIdPClient")
            .field("base_url", &self.0.config.base())
            .field("client_id", &self.0.config.client_id.value)
            .finish_non_exhaustive()
    }
}

/// What the clones of a client share.
pub(crate) struct Core {
    /// Tells the process's clients apart in logs.
    pub id: u64,
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    /// Shared with the process's other clients of the same token.
    pub tokens: Arc<TokenCache>,
    traceparent: Option<Traceparent>,
    transport: OnceLock<Transport>,
    transport_lock: Mutex<()>,
    closed: AtomicBool,
    wound_up: AtomicBool,
}

/// A number that no other client of this process has.
pub(crate) fn next_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl Core {
    /// The options of a call that belongs to a trace.
    pub fn traced(&self, options: &Options) -> Option<Options> {
        self.traceparent.as_ref()?.apply(options)
    }

    /// Gives up the token, and closes connections that no call uses; the others follow with the end of
    /// their call.
    pub fn wind_up(&self) {
        if self.wound_up.swap(true, Ordering::AcqRel) {
            return;
        }
        self.tokens.leave();
        let _alone = self.transport_lock();
        if let Some(transport) = self.transport.get() {
            transport.wind_up();
        }
    }

    pub fn check_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) {
            Err(Error::closed())
        } else {
            Ok(())
        }
    }

    /// The HTTP client; made once, at the first call. A failure is told and tried again next time.
    pub fn transport(&self) -> Result<&Transport, Error> {
        if let Some(made) = self.transport.get() {
            return Ok(made);
        }
        let _alone = self.transport_lock();
        if let Some(made) = self.transport.get() {
            return Ok(made);
        }
        let made = Transport::build(&self.config.network)?;
        // A call that was let in before the client was closed may be the first to need it.
        if self.wound_up.load(Ordering::Acquire) {
            made.wind_up();
        }
        Ok(self.transport.get_or_init(|| made))
    }

    fn transport_lock(&self) -> MutexGuard<'_, ()> {
        let lock = self.transport_lock.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    /// A closed client has no token any more, and leaves that of the others alone.
    pub fn clear_token_cache(&self) {
        if self.check_open().is_ok() {
            self.tokens.clear();
        }
    }

    pub fn cached_token(self: &Arc<Self>) -> Option<Arc<Token>> {
        self.check_open().ok()?;
        self.tokens.cached(self)
    }

    /// A token for a caller who has that much time.
    pub async fn token(self: &Arc<Self>, time: Duration) -> Result<Arc<Token>, Error> {
        self.check_open()?;
        self.tokens.get(self, time / 2).await
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.wind_up();
    }
}

/// Configuration of a client. What is not given comes from the environment, then from defaults.
#[derive(Clone, Debug, Default)]
#[must_use = "build() makes the client"]
pub struct ClientBuilder {
    arguments: Arguments,
    clock: Option<Arc<dyn Clock>>,
    traceparent: Option<Traceparent>,
}

impl ClientBuilder {
    /// The server: `https://idp.example.com`. A path is kept as a prefix.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.arguments.base_url = Some(url.into());
        self
    }

    /// The agent's id.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.arguments.client_id = Some(id.into());
        self
    }

    /// The agent's secret.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.arguments.client_secret = Some(secret.into());
        self
    }

    /// What tokens are asked for; default `agents:read agents:write tokens:read audit:read`.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// What a call may take in all, tries and waits included; default 30 s, at most 24 hours.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.arguments.timeout = Some(timeout);
        self
    }

    /// What making a connection may take; default 5 s, at most 24 hours.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.arguments.network.connect_timeout = Some(timeout);
        self
    }

    /// How often a call is repeated, 0 to 10; default 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.arguments.retries = Some(retries);
        self
    }

    /// A header for every request. Those that the SDK sets itself are refused, but for
    /// `Authorization`, which then stands in for the client's token.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.arguments.network.headers.push((name, value));
        self
    }

    /// Allows plain `http` to other machines, which shows secrets to the network; default false.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.arguments.allow_insecure_http = Some(allow);
        self
    }

    /// A PEM file of certificate authorities that are trusted besides the usual ones.
    pub fn ca_bundle(mut self, path: impl Into<PathBuf>) -> Self {
        self.arguments.network.ca_bundle = Some(path.into());
        self
    }

    /// PEM files of a certificate (its chain may follow it) and its private key, for servers and
    /// proxies that ask who connects.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.arguments.network.client_certificate = Some(certificate.into());
        self.arguments.network.client_key = Some(key.into());
        self
    }

    /// The proxy that every request takes: `http://user:password@proxy.example.com:3128`. Wins over
    /// `HTTP_PROXY` and `HTTPS_PROXY`; hosts that `NO_PROXY` names are still reached directly, and so is
    /// this machine, unless the proxy is on it too.
    pub fn proxy(mut self, url: impl Into<Secret>) -> Self {
        self.arguments.network.proxy = Some(url.into());
        self
    }

    /// Which trace a call belongs to: asked once a call, on the task that awaits it; what it answers
    /// goes out as `traceparent` (W3C Trace Context). A header of the call's own wins. A token's
    /// renewal serves many calls and belongs to no trace.
    ///
    /// ```no_run
    /// # fn current_span_as_traceparent() -> Option<String> { None }
    /// # fn f() -> Result<(), sentryagent_idp::Error> {
    /// let client = sentryagent_idp::AgentIdPClient::builder()
    ///     .traceparent(current_span_as_traceparent)
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn traceparent(
        mut self,
        hook: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.traceparent = Some(Traceparent::new(hook));
        self
    }

    /// Time and chance, for tests. A client with a clock of its own shares its token with its clones only.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Checks the configuration. Nothing is started or connected.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names everything that is missing or wrong.
    pub fn build(self) -> Result<AgentIdPClient, Error> {
        let config = Config::resolve(self.arguments, &process_environment)?;
        let client = AgentIdPClient::assemble(next_id(), config, self.clock, self.traceparent);
        Ok(client)
    }
}

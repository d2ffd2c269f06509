//! The parts of a running server, put together in one place.
//!
//! Order matters: what the operator wrote first, then what is stored, then what encrypts, then the
//! first organization, then the keys, then what is revoked - read whole before any traffic is
//! judged - and only then who may call.

use std::{fs, path::Path, sync::Arc};

use axum::Router;
use tokio::task::JoinHandle;

use crate::{
    agents,
    audit::{self, Recorder},
    auth::{self, Authenticator, Clients, Verifier},
    bootstrap,
    clock::Clock,
    config::{Config, ConfigError},
    credentials, generated,
    health::{self, Lifecycle},
    http::{self, Facts, Gate, Routes},
    idempotency::Idempotency,
    keys::{KeyError, KeySettings, Keys},
    limits::Limits,
    oidc,
    policy::{self, Policy, Rego},
    revocation::Revocation,
    secrets::{EncryptionKeys, Random, Secrets, SystemRandom},
    storage::{self, Storage, StorageError},
    tokens,
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Anything else: one sentence for the operator.
    #[error("{0}")]
    Failed(String),
}

impl StartError {
    /// From any failure that explains itself.
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A server that is ready to answer.
pub struct App {
    storage: Arc<dyn Storage>,
    auth: Arc<Authenticator>,
    revocation: Arc<Revocation>,
    router: Router,
    operations: Vec<&'static Facts>,
    bootstrap: Option<bootstrap::BootstrapFile>,
    lifecycle: Arc<Lifecycle>,
    policy: Arc<Rego>,
    watch: Option<JoinHandle<()>>,
}

impl App {
    /// Opens and starts everything.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Builder::new(config, clock).await?.finish().await
    }

    /// What answers requests.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Every operation that it answers.
    pub fn operations(&self) -> &[&'static Facts] {
        &self.operations
    }

    /// What was written to `bootstrap.json`, when this was the first start.
    pub fn bootstrap(&self) -> Option<&bootstrap::BootstrapFile> {
        self.bootstrap.as_ref()
    }

    /// What decides who may take which route.
    pub fn policy(&self) -> &Arc<Rego> {
        &self.policy
    }

    /// Tells `/health` to say so.
    pub fn say_stopping(&self) {
        self.lifecycle.stop();
    }

    /// Writes out what is still queued and closes. Later requests are answered with 503.
    pub async fn stop(&self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
        self.auth.stop().await;
        self.revocation.stop().await;
        self.storage.close().await;
    }
}

struct Builder<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    lifecycle: Arc<Lifecycle>,
    policy: Arc<Rego>,
}

impl<'a> Builder<'a> {
    async fn new(config: &'a Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let policy = Arc::new(read_policy(config)?);
        prepare(&config.data_dir)?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let storage = open(config, Arc::clone(&clock)).await?;
        let keys = match &config.encryption_keys {
            Some(keys) => keys.clone(),
            None => EncryptionKeys::load_or_generate(&config.data_dir, &*random)
                .map_err(StartError::failed)?,
        };
        let secrets = Secrets::new(&keys, Arc::clone(&random)).map_err(StartError::failed)?;
        Ok(Self {
            config,
            clock,
            random,
            storage,
            secrets,
            lifecycle: Arc::default(),
            policy,
        })
    }

    async fn finish(self) -> Result<App, StartError> {
        let bootstrap = bootstrap::ensure(bootstrap::Parts {
            data_dir: &self.config.data_dir,
            base_url: &self.config.public_url(),
            storage: &*self.storage,
            secrets: &self.secrets,
            clock: &*self.clock,
        })
        .await
        .map_err(StartError::failed)?;
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.storage)));
        let keys = self.keys().await?;
        let clients = Arc::new(Clients::new(Arc::clone(&self.storage)));
        let revocation = Revocation::start(
            Arc::clone(&self.storage),
            Arc::clone(&self.clock),
            Arc::clone(&keys),
            vec![Arc::clone(&clients) as _],
        )
        .await
        .map_err(StartError::failed)?;
        let auth = self
            .authenticator(&keys, &clients, &revocation, &recorder)
            .await?;
        let routes = self.routes(&auth, &keys, &recorder);
        let gate = Arc::new(self.gate(&auth));
        let watch = self
            .config
            .policy_dir
            .as_ref()
            .map(|_| policy::Watch::start(Arc::clone(&self.policy), policy::POLL_INTERVAL));
        Ok(App {
            operations: routes.operations().to_vec(),
            router: http::documents(routes.into_router(&gate), &gate),
            storage: self.storage,
            auth,
            revocation,
            bootstrap,
            lifecycle: self.lifecycle,
            policy: self.policy,
            watch,
        })
    }

    async fn keys(&self) -> Result<Arc<Keys>, StartError> {
        let settings = KeySettings {
            algorithm: self.config.signing_algorithm,
            private_key: self.config.jwt_private_key.clone(),
            public_key: self.config.jwt_public_key.clone(),
        };
        Keys::load(
            settings,
            Arc::clone(&self.storage),
            self.secrets.clone(),
            Arc::clone(&self.clock),
        )
        .await
        .map(Arc::new)
        .map_err(unusable_key)
    }

    async fn authenticator(
        &self,
        keys: &Arc<Keys>,
        clients: &Arc<Clients>,
        revocation: &Arc<Revocation>,
        recorder: &Arc<Recorder>,
    ) -> Result<Arc<Authenticator>, StartError> {
        let mut issuers = vec![self.config.issuer()];
        issuers.extend(self.config.trusted_issuers.iter().cloned());
        let verifier = Verifier::new(
            Arc::clone(keys),
            Arc::clone(revocation),
            Arc::clone(&self.clock),
            issuers,
        );
        Authenticator::start(auth::Parts {
            storage: Arc::clone(&self.storage),
            clients: Arc::clone(clients),
            revocation: Arc::clone(revocation),
            verifier: Arc::new(verifier),
            hasher: Arc::clone(self.secrets.hasher()),
            recorder: Arc::clone(recorder),
            clock: Arc::clone(&self.clock),
        })
        .await
        .map(Arc::new)
        .map_err(StartError::failed)
    }

    /// Every section, joined to its generated routes.
    fn routes(
        &self,
        auth: &Arc<Authenticator>,
        keys: &Arc<Keys>,
        recorder: &Arc<Recorder>,
    ) -> Routes {
        let mut routes = Routes::default();
        let agents = agents::Service::new(Arc::clone(&self.storage), Arc::clone(&self.clock));
        generated::agents::routes(&mut routes, &Arc::new(agents));
        let tokens = tokens::Service::new(tokens::Parts {
            auth: Arc::clone(auth),
            keys: Arc::clone(keys),
            storage: Arc::clone(&self.storage),
            recorder: Arc::clone(recorder),
            random: Arc::clone(&self.random),
            clock: Arc::clone(&self.clock),
            issuer: self.config.issuer(),
        });
        generated::tokens::routes(&mut routes, &Arc::new(tokens));
        let credentials = credentials::Service::new(
            Arc::clone(&self.storage),
            self.secrets.clone(),
            Arc::clone(&self.clock),
        );
        generated::credentials::routes(&mut routes, &Arc::new(credentials));
        let health = health::Service::new(
            Arc::clone(&self.storage),
            Arc::clone(&self.policy) as Arc<dyn Policy>,
            Arc::clone(&self.lifecycle),
        );
        generated::health::routes(&mut routes, &Arc::new(health));
        let oidc = oidc::Service::new(oidc::Parts {
            keys: Arc::clone(keys),
            issuer: self.config.issuer(),
            public_url: self.config.public_url(),
            cache_for: self.config.jwks_cache_ttl,
        });
        generated::oidc::routes(&mut routes, &Arc::new(oidc));
        let audit = audit::Service::new(
            Arc::clone(&self.storage),
            Arc::clone(&self.clock),
            self.config.audit_retention,
        );
        generated::audit::routes(&mut routes, &Arc::new(audit));
        routes
    }

    fn gate(&self, auth: &Arc<Authenticator>) -> Gate {
        let guard = credentials::Guard::new(Arc::clone(&self.storage));
        Gate {
            clock: Arc::clone(&self.clock),
            proxies: self.config.trusted_proxies.clone(),
            auth: Arc::clone(auth),
            limits: Limits::new(self.config.rate_limit),
            policy: Arc::clone(&self.policy) as Arc<dyn Policy>,
            idempotency: Arc::new(Idempotency::new(
                Arc::clone(&self.storage),
                self.secrets.clone(),
                Arc::clone(&self.clock),
                Arc::new(guard),
            )),
        }
    }
}

/// Opens the store that is configured.
pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn Storage>, StartError> {
    storage::open(config, clock)
        .await
        .map_err(StartError::failed)
}

/// Makes the folder, for the owner alone; one that is there is left as it is.
pub fn prepare(folder: &Path) -> Result<(), StartError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        StartError::Failed(format!(
            "cannot make the folder {}: {error}",
            folder.display()
        ))
    })
}

/// The operator's policy, or the built-in one. A broken one must not start: who relies on it would
/// not notice.
fn read_policy(config: &Config) -> Result<Rego, StartError> {
    match &config.policy_dir {
        None => Rego::built_in().map_err(StartError::failed),
        Some(folder) => Rego::of_folder(folder).map_err(|error| {
            ConfigError::new("POLICY_DIR", error.to_string(), "/etc/agentidp/policy").into()
        }),
    }
}

/// A key that was configured is the operator's fault; any other is not.
fn unusable_key(error: KeyError) -> StartError {
    if !error.is_configuration() {
        return StartError::failed(error);
    }
    let variable = match error {
        KeyError::OtherPublic => "JWT_PUBLIC_KEY",
        _ => "JWT_PRIVATE_KEY",
    };
    let example = "'-----BEGIN PRIVATE KEY-----\\n…'";
    ConfigError::new(variable, error.to_string(), example).into()
}

impl From<StorageError> for StartError {
    fn from(error: StorageError) -> Self {
        Self::failed(error)
    }
}

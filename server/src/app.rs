//! The parts of a running server, put together in one place.
//!
//! Order matters: what the operator wrote first, then what is stored, then what encrypts, then the
//! first organization, then the keys, then what is revoked - read whole before any traffic is
//! judged - and only then who may call.

mod start;

use std::sync::Arc;

use axum::Router;
use tokio::task::JoinHandle;

use start::read_policy;
pub use start::{StartError, has_encryption_key, open, prepare, refuse_lost_key, unusable_key};

use crate::{
    agents,
    audit::{self, Recorder},
    auth::{self, Authenticator, Clients, Verifier},
    bootstrap,
    cache::Cache,
    clock::Clock,
    config::Config,
    credentials, generated,
    health::{self, Lifecycle},
    http::{self, Edge, Facts, Gate, Routes, Slots, TlsOnly},
    idempotency::Idempotency,
    jobs::{self, Jobs},
    keys::{KeySettings, Keys},
    limits::Limits,
    metrics::Metrics,
    oidc,
    policy::{self, Policy, Rego},
    revocation::Revocation,
    secrets::{Random, Secrets, SystemRandom},
    storage::{Measured, Storage},
    tiers::{self, Tiers},
    tokens,
    vault::{self, Keeper},
};

/// A server that is ready to answer.
pub struct App {
    storage: Arc<dyn Storage>,
    auth: Arc<Authenticator>,
    revocation: Arc<Revocation>,
    router: Router,
    operations: Vec<&'static Facts>,
    bootstrap: Option<bootstrap::BootstrapFile>,
    lifecycle: Arc<Lifecycle>,
    metrics: Arc<Metrics>,
    policy: Arc<Rego>,
    cache: Option<Arc<Cache>>,
    jobs: Jobs,
    watch: Option<JoinHandle<()>>,
    renewal: Option<JoinHandle<()>>,
    tiers: Arc<Tiers>,
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

    /// What answers `/metrics` alone, at an address of its own.
    pub fn metrics_router(&self) -> Router {
        http::metrics_alone(Arc::clone(&self.metrics), Arc::clone(&self.storage))
    }

    /// Every operation that it answers.
    pub fn operations(&self) -> &[&'static Facts] {
        &self.operations
    }

    /// What was written to `bootstrap.json`, when this was the first start.
    pub fn bootstrap(&self) -> Option<&bootstrap::BootstrapFile> {
        self.bootstrap.as_ref()
    }

    /// What is counted and measured.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
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
        for task in [&self.watch, &self.renewal].into_iter().flatten() {
            task.abort();
        }
        self.jobs.stop().await;
        self.auth.stop().await;
        self.tiers.stop().await;
        self.revocation.stop().await;
        if let Some(cache) = &self.cache {
            cache.stop().await;
        }
        self.storage.close().await;
    }
}

struct Builder<'a> {
    config: &'a Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    storage: Arc<dyn Storage>,
    secrets: Secrets,
    keeper: Arc<Keeper>,
    lifecycle: Arc<Lifecycle>,
    metrics: Arc<Metrics>,
    policy: Arc<Rego>,
    cache: Option<Arc<Cache>>,
}

impl<'a> Builder<'a> {
    async fn new(config: &'a Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let policy = Arc::new(read_policy(config)?);
        prepare(&config.data_dir)?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let metrics: Arc<Metrics> = Arc::default();
        let storage = open(config, Arc::clone(&clock)).await?;
        refuse_lost_key(config, &*storage).await?;
        let storage = Measured::around(storage, Arc::clone(&metrics));
        let keeper = vault::connect(config)?;
        let secrets = vault::secrets(config, &keeper, Arc::clone(&random)).await?;
        let cache = match &config.redis {
            Some(address) => Some(Cache::start(address.clone(), Arc::clone(&metrics)).await),
            None => None,
        };
        Ok(Self {
            config,
            clock,
            random,
            storage,
            secrets,
            keeper,
            lifecycle: Arc::default(),
            metrics,
            policy,
            cache,
        })
    }

    async fn finish(self) -> Result<App, StartError> {
        let bootstrap = bootstrap::ensure(bootstrap::Parts {
            data_dir: &self.config.data_dir,
            base_url: &self.config.public_url(),
            storage: &*self.storage,
            secrets: &self.secrets,
            keeper: &self.keeper,
            clock: &*self.clock,
        })
        .await
        .map_err(StartError::failed)?;
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.storage)));
        let keys = self.keys().await?;
        let clients = Arc::new(Clients::new(
            Arc::clone(&self.storage),
            Arc::clone(&self.keeper),
        ));
        let revocation = Revocation::start(
            Arc::clone(&self.storage),
            Arc::clone(&self.clock),
            Arc::clone(&keys),
            vec![Arc::clone(&clients) as _],
        )
        .await
        .map_err(StartError::failed)?;
        if let Some(cache) = &self.cache {
            revocation.share(cache);
        }
        let auth = self
            .authenticator(&keys, &clients, &revocation, &recorder)
            .await?;
        let tiers = self.tiers();
        let routes = self.routes(&auth, &keys, &recorder, &tiers);
        let gate = Arc::new(self.gate(&auth, &clients, &tiers));
        let watch = self
            .config
            .policy_dir
            .as_ref()
            .map(|_| policy::Watch::start(Arc::clone(&self.policy), policy::POLL_INTERVAL));
        let vault = self.keeper.client().cloned();
        let renewal = vault.map(|vault| vault::Renewal::start(vault, Arc::clone(&self.clock)));
        let jobs = self.jobs(&keys)?;
        Ok(App {
            jobs,
            tiers,
            operations: routes.operations().to_vec(),
            router: self.around(http::documents(routes.into_router(&gate), &gate)),
            storage: self.storage,
            auth,
            revocation,
            bootstrap,
            lifecycle: self.lifecycle,
            metrics: self.metrics,
            policy: self.policy,
            cache: self.cache,
            watch,
            renewal,
        })
    }

    fn jobs(&self, keys: &Arc<Keys>) -> Result<Jobs, StartError> {
        let parts = jobs::Parts {
            storage: Arc::clone(&self.storage),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            instance: self.random.uuid().map_err(StartError::failed)?,
        };
        let mut all = jobs::all(&parts, keys, self.config);
        all.extend(vault::Deletions::job(&self.keeper, &self.storage));
        Ok(Jobs::start(&parts, all))
    }

    fn tiers(&self) -> Arc<Tiers> {
        Tiers::start(tiers::Parts {
            enforced: self.config.tier_enforcement,
            storage: Arc::clone(&self.storage),
            cache: self.cache.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: Arc::clone(&self.clock),
        })
    }

    async fn keys(&self) -> Result<Arc<Keys>, StartError> {
        Keys::load(
            KeySettings::from(self.config),
            Arc::clone(&self.storage),
            self.secrets.clone(),
            Arc::clone(&self.clock),
        )
        .await
        .map(Arc::new)
        .map_err(|error| unusable_key(error, self.config))
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
            keeper: Arc::clone(&self.keeper),
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
        tiers: &Arc<Tiers>,
    ) -> Routes {
        let mut routes = Routes::default();
        let agents = agents::Service::new(
            Arc::clone(&self.storage),
            Arc::clone(tiers),
            Arc::clone(&self.clock),
            Arc::clone(&self.metrics),
        );
        generated::agents::routes(&mut routes, &Arc::new(agents));
        let tokens = tokens::Service::new(tokens::Parts {
            auth: Arc::clone(auth),
            keys: Arc::clone(keys),
            storage: Arc::clone(&self.storage),
            recorder: Arc::clone(recorder),
            random: Arc::clone(&self.random),
            clock: Arc::clone(&self.clock),
            issuer: self.config.issuer(),
            tiers: Arc::clone(tiers),
            metrics: Arc::clone(&self.metrics),
        });
        generated::tokens::routes(&mut routes, &Arc::new(tokens));
        let credentials = credentials::Service::new(
            Arc::clone(&self.storage),
            self.secrets.clone(),
            Arc::clone(&self.keeper),
            Arc::clone(&self.clock),
        );
        generated::credentials::routes(&mut routes, &Arc::new(credentials));
        let health = health::Service::new(
            Arc::clone(&self.storage),
            Arc::clone(&self.policy) as Arc<dyn Policy>,
            Arc::clone(&self.lifecycle),
            self.keeper.client().cloned(),
            self.cache.clone(),
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

    /// What stands around everything that is answered.
    fn around(&self, router: Router) -> Router {
        let router = match self.config.metrics_address {
            None => http::metrics(router, Arc::clone(&self.metrics), Arc::clone(&self.storage)),
            Some(_) => router,
        };
        let front = &self.config.front;
        let edge = Edge {
            metrics: Arc::clone(&self.metrics),
            origins: front.origins.clone(),
            tls_only: front
                .enforce_tls
                .then(|| TlsOnly::new(self.config.public_url.as_deref())),
        };
        edge.around(router)
    }

    fn gate(&self, auth: &Arc<Authenticator>, clients: &Arc<Clients>, tiers: &Arc<Tiers>) -> Gate {
        let guard = credentials::Guard::new(Arc::clone(&self.storage));
        Gate {
            clock: Arc::clone(&self.clock),
            slots: Slots::new(self.config.requests_max),
            proxies: self.config.trusted_proxies.clone(),
            auth: Arc::clone(auth),
            tiers: Arc::clone(tiers),
            limits: Limits::new(
                self.config.rate_limit,
                self.cache.clone().filter(|_| self.config.redis_rate_limit),
                Arc::clone(clients) as _,
                Arc::clone(&self.metrics),
            ),
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

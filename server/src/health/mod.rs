//! Section health: whether this instance should get traffic, and how its parts do.
//!
//! Public and not counted; says nothing that an outsider could use.

mod probe;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::{
    cache::Cache,
    call::Call,
    error::ApiError,
    generated::{
        health::Health as Operations,
        types::{
            ConnectionStatus, DetailedHealth, DetailedHealthServices, Health, HealthServices,
            HealthStatus, ServiceHealth, ServiceStatus,
        },
    },
    http::{Reply, Unchecked},
    policy::Policy,
    storage::Storage,
    vault,
};

/// Whether the server has been asked to stop.
#[derive(Debug, Default)]
pub struct Lifecycle(AtomicBool);

impl Lifecycle {
    /// From now on load balancers are told to send nothing more.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// It has been asked to.
    pub fn is_stopping(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The section.
pub struct Service {
    storage: Arc<dyn Storage>,
    policy: Arc<dyn Policy>,
    lifecycle: Arc<Lifecycle>,
    vault: Option<Arc<vault::Client>>,
    cache: Option<Arc<Cache>>,
    born: Instant,
}

impl Service {
    /// Counts its uptime from now on.
    pub fn new(
        storage: Arc<dyn Storage>,
        policy: Arc<dyn Policy>,
        lifecycle: Arc<Lifecycle>,
        vault: Option<Arc<vault::Client>>,
        cache: Option<Arc<Cache>>,
    ) -> Self {
        Self {
            storage,
            policy,
            lifecycle,
            vault,
            cache,
            born: Instant::now(),
        }
    }

    /// Without Redis the cache is this process's own memory, which is always there.
    async fn cache(&self) -> ServiceHealth {
        probe::run(async {
            match &self.cache {
                None => Ok(()),
                Some(cache) => cache.check().await,
            }
        })
        .await
    }

    /// Nothing where none is configured.
    async fn vault(&self) -> Option<ServiceHealth> {
        match &self.vault {
            None => None,
            Some(vault) => Some(probe::run(vault.check()).await),
        }
    }
}

impl Operations for Service {
    async fn get_health(
        &self,
        _call: &Call,
        input: Unchecked<()>,
    ) -> Result<Reply<Health>, ApiError> {
        input.check()?;
        let (database, cache) = tokio::join!(probe::run(self.storage.check()), self.cache());
        let reachable = database.status != ServiceStatus::Unreachable;
        let serving = reachable && !self.lifecycle.is_stopping();
        let cached = cache.status != ServiceStatus::Unreachable;
        let body = Health {
            status: if serving && cached {
                HealthStatus::Ok
            } else {
                HealthStatus::Degraded
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: i64::try_from(self.born.elapsed().as_secs()).unwrap_or(i64::MAX),
            services: HealthServices {
                database: connection(reachable),
                cache: connection(cached),
            },
        };
        Ok(Reply::new(body)
            .status(if serving { 200 } else { 503 })
            .header("cache-control", "no-store"))
    }

    async fn get_detailed_health(
        &self,
        _call: &Call,
        input: Unchecked<()>,
    ) -> Result<Reply<DetailedHealth>, ApiError> {
        input.check()?;
        // At once: parts that hang must not add up.
        let (database, cache, policy, vault) = tokio::join!(
            probe::run(self.storage.check()),
            self.cache(),
            probe::run(async { self.policy.check() }),
            self.vault(),
        );
        // Without Vault most goes on: tokens are verified, and clients that were met get new ones. Without Redis all does.
        let at_worst_degraded = vault.iter().chain([&cache]);
        let at_worst_degraded = at_worst_degraded.map(|it| it.status.min(ServiceStatus::Degraded));
        let status = [database.status, policy.status]
            .into_iter()
            .chain(at_worst_degraded)
            .max()
            .unwrap_or(ServiceStatus::Healthy);
        let body = DetailedHealth {
            status,
            services: DetailedHealthServices {
                database,
                cache,
                vault,
                policy,
            },
        };
        let code = match status {
            ServiceStatus::Healthy => 200,
            ServiceStatus::Degraded => 207,
            ServiceStatus::Unreachable => 503,
        };
        Ok(Reply::new(body)
            .status(code)
            .header("cache-control", "no-store"))
    }
}

fn connection(is_there: bool) -> ConnectionStatus {
    if is_there {
        ConnectionStatus::Connected
    } else {
        ConnectionStatus::Disconnected
    }
}

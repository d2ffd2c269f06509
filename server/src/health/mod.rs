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
    call::Call,
    error::ApiError,
    generated::{
        health::Health as Operations,
        types::{
            ConnectionStatus, DetailedHealth, DetailedHealthServices, Health, HealthServices,
            HealthStatus, ServiceStatus,
        },
    },
    http::{Reply, Unchecked},
    policy::Policy,
    storage::Storage,
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
    born: Instant,
}

impl Service {
    /// Counts its uptime from now on.
    pub fn new(
        storage: Arc<dyn Storage>,
        policy: Arc<dyn Policy>,
        lifecycle: Arc<Lifecycle>,
    ) -> Self {
        Self {
            storage,
            policy,
            lifecycle,
            born: Instant::now(),
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
        let database = probe::run(self.storage.check()).await;
        let reachable = database.status != ServiceStatus::Unreachable;
        let serving = reachable && !self.lifecycle.is_stopping();
        let body = Health {
            status: if serving {
                HealthStatus::Ok
            } else {
                HealthStatus::Degraded
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: i64::try_from(self.born.elapsed().as_secs()).unwrap_or(i64::MAX),
            services: HealthServices {
                database: if reachable {
                    ConnectionStatus::Connected
                } else {
                    ConnectionStatus::Disconnected
                },
                // The cache is this process's own memory.
                cache: ConnectionStatus::Connected,
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
        let database = probe::run(self.storage.check()).await;
        let cache = probe::run(async { Ok::<_, ()>(()) }).await;
        let policy = probe::run(async { self.policy.check() }).await;
        let status = [database.status, cache.status, policy.status]
            .into_iter()
            .max()
            .unwrap_or(ServiceStatus::Healthy);
        let body = DetailedHealth {
            status,
            services: DetailedHealthServices {
                database,
                cache,
                vault: None,
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

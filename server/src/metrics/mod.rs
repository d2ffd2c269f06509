//! What a server counts and measures, under the names that `GET /metrics` answers.
//!
//! Owns: every metric's name, labels and buckets, and the text. Refuses: deciding when something is counted - that is
//! where it happens - and any label whose number of values a caller could raise without end (`bounded`).

mod bounded;
mod labels;
mod text;

pub use text::{CONTENT_TYPE, PLAIN_CONTENT_TYPE};

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use uuid::Uuid;

use bounded::Bounded;
use labels::{
    ClientLabel, CommandLabel, EnvironmentLabel, HttpLabels, JobLabels, JobNameLabel, LimitLabels,
    OperationLabel, ScopeLabel, TenantLabels,
};

/// `http_request_duration_seconds`: 5 ms - 2.5 s.
const HTTP_BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// `db_query_duration_seconds`: 1 ms - 1 s.
const DATABASE_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
/// `redis_command_duration_seconds`: 0.5 - 250 ms.
const REDIS_BUCKETS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25];

/// Whoever is none of the server's own.
const UNKNOWN: &str = "unknown";

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics of one server. Cheap to write to from any task.
pub struct Metrics {
    registry: Registry,
    clients: Bounded,
    organizations: Bounded,
    tokens_issued: Family<ScopeLabel, Counter>,
    id_tokens_issued: Counter,
    agents_registered: Family<EnvironmentLabel, Counter>,
    http_requests: Family<HttpLabels, Counter>,
    http_durations: Histograms<HttpLabels>,
    database_durations: Histograms<OperationLabel>,
    redis_durations: Histograms<CommandLabel>,
    credentials_expiring_soon: Gauge,
    audit_chain_integrity: Gauge,
    rate_limit_hits: Family<ClientLabel, Counter>,
    pool_active: Gauge,
    pool_waiting: Gauge,
    tenant_calls: Family<TenantLabels, Counter>,
    limit_rejections: Family<LimitLabels, Counter>,
    job_runs: Family<JobLabels, Counter>,
    job_successes: Family<JobNameLabel, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("agentidp"),
            clients: Bounded::default(),
            organizations: Bounded::default(),
            tokens_issued: Family::default(),
            id_tokens_issued: Counter::default(),
            agents_registered: Family::default(),
            http_requests: Family::default(),
            http_durations: Family::new_with_constructor(|| Histogram::new(HTTP_BUCKETS)),
            database_durations: Family::new_with_constructor(|| Histogram::new(DATABASE_BUCKETS)),
            redis_durations: Family::new_with_constructor(|| Histogram::new(REDIS_BUCKETS)),
            credentials_expiring_soon: Gauge::default(),
            audit_chain_integrity: Gauge::default(),
            rate_limit_hits: Family::default(),
            pool_active: Gauge::default(),
            pool_waiting: Gauge::default(),
            tenant_calls: Family::default(),
            limit_rejections: Family::default(),
            job_runs: Family::default(),
            job_successes: Family::default(),
        };
        // Until a break is found, the chains hold.
        metrics.audit_chain_integrity.set(1);
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Tokens were issued with these scopes, in the contract's order.
    pub fn token_issued(&self, scopes: &str, with_id_token: bool) {
        self.tokens_issued
            .get_or_create(&ScopeLabel {
                scope: scopes.to_owned(),
            })
            .inc();
        if with_id_token {
            self.id_tokens_issued.inc();
        }
    }

    /// An agent was registered.
    pub fn agent_registered(&self, deployment_env: &'static str) {
        let label = EnvironmentLabel { deployment_env };
        self.agents_registered.get_or_create(&label).inc();
    }

    /// A request was answered. `route` is the template, never the path as it came.
    pub fn request(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        let labels = HttpLabels {
            method,
            route,
            status_code: status,
        };
        self.http_requests.get_or_create(&labels).inc();
        self.http_durations
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// The store was asked for something, named as its trait names it: `agents.find`.
    pub fn database(&self, operation: &'static str, took: Duration) {
        self.database_durations
            .get_or_create(&OperationLabel { operation })
            .observe(took.as_secs_f64());
    }

    /// Redis answered, or did not in time.
    pub fn redis(&self, command: &'static str, took: Duration) {
        self.redis_durations
            .get_or_create(&CommandLabel { command })
            .observe(took.as_secs_f64());
    }

    /// How many active credentials expire within 7 days.
    pub fn set_credentials_expiring_soon(&self, number: u64) {
        self.credentials_expiring_soon
            .set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// Whether every chain verified when it was last looked at.
    pub fn set_audit_chain_integrity(&self, whole: bool) {
        self.audit_chain_integrity.set(i64::from(whole));
    }

    /// A request was refused because its client made too many; `None` when that is no client's.
    pub fn rate_limit_hit(&self, client: Option<Uuid>) {
        let client_id = match client {
            Some(client) => self.clients.value(&client.to_string()),
            None => UNKNOWN.to_owned(),
        };
        let label = ClientLabel { client_id };
        self.rate_limit_hits.get_or_create(&label).inc();
    }

    /// Connections to the database that are in use, and calls that wait for one.
    pub fn set_pool(&self, active: u32, waiting: u32) {
        self.pool_active.set(i64::from(active));
        self.pool_waiting.set(i64::from(waiting));
    }

    /// An organization's agent made a call.
    pub fn tenant_call(&self, organization: Uuid, tier: &'static str) {
        let labels = TenantLabels {
            org_id: self.organizations.value(&organization.to_string()),
            tier,
        };
        self.tenant_calls.get_or_create(&labels).inc();
    }

    /// A call was refused because of the organization's tier: `agents`, `calls` or `tokens`.
    pub fn limit_rejection(&self, organization: Uuid, limit_type: &'static str) {
        let labels = LimitLabels {
            org_id: self.organizations.value(&organization.to_string()),
            limit_type,
        };
        self.limit_rejections.get_or_create(&labels).inc();
    }

    /// A job ran on this instance; `now` in Unix seconds.
    pub fn job_ran(&self, job: &'static str, succeeded: bool, now: i64) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.job_runs
            .get_or_create(&JobLabels { job, outcome })
            .inc();
        if succeeded {
            self.job_successes
                .get_or_create(&JobNameLabel { job })
                .set(now);
        }
    }
}

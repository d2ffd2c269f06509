//! Names, help texts and the text form.

use prometheus_client::encoding::text;

use super::Metrics;

/// The type of what [`Metrics::encode`] answers.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The same for whoever does not ask for that: the older format ignores what it does not know.
pub const PLAIN_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Metrics {
    /// Everything, in the text format of OpenMetrics, which every Prometheus since 2.5 reads.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    /// Counters get their `_total` from the encoder.
    pub(super) fn register(&mut self) {
        let all = &mut self.registry;
        all.register(
            "tokens_issued",
            "Access tokens issued, by granted scope",
            self.tokens_issued.clone(),
        );
        all.register(
            "oidc_tokens_issued",
            "ID tokens issued",
            self.id_tokens_issued.clone(),
        );
        all.register(
            "agents_registered",
            "Agents registered",
            self.agents_registered.clone(),
        );
        all.register(
            "http_requests",
            "Requests answered, by route template",
            self.http_requests.clone(),
        );
        all.register(
            "http_request_duration_seconds",
            "Time from the request's head to the answer",
            self.http_durations.clone(),
        );
        all.register(
            "db_query_duration_seconds",
            "Time of one question to the store",
            self.database_durations.clone(),
        );
        all.register(
            "redis_command_duration_seconds",
            "Time of one round trip to Redis",
            self.redis_durations.clone(),
        );
        all.register(
            "credentials_expiring_soon_total",
            "Active credentials that expire within 7 days",
            self.credentials_expiring_soon.clone(),
        );
        all.register(
            "audit_chain_integrity",
            "1 while every audit chain verifies, else 0",
            self.audit_chain_integrity.clone(),
        );
        all.register(
            "rate_limit_hits",
            "Requests refused because of a rate",
            self.rate_limit_hits.clone(),
        );
        all.register(
            "db_pool_active_connections",
            "Database connections in use",
            self.pool_active.clone(),
        );
        all.register(
            "db_pool_waiting_requests",
            "Calls that wait for a database connection",
            self.pool_waiting.clone(),
        );
        all.register(
            "tenant_api_calls",
            "Authenticated calls, by organization",
            self.tenant_calls.clone(),
        );
        all.register(
            "billing_limit_rejections",
            "Calls refused because of a tier's limit",
            self.limit_rejections.clone(),
        );
        all.register(
            "job_runs",
            "Runs of background jobs on this instance",
            self.job_runs.clone(),
        );
        all.register(
            "job_last_success_timestamp_seconds",
            "When a job last succeeded on this instance",
            self.job_successes.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_name_is_the_documented_one() {
        let metrics = Metrics::default();
        metrics.token_issued("agents:read", true);
        metrics.agent_registered("production");
        metrics.request(
            "GET",
            "/api/v1/agents/:agentId",
            200,
            Duration::from_millis(3),
        );
        metrics.database("agents.find", Duration::from_millis(3));
        metrics.redis("count", Duration::from_millis(3));
        metrics.set_credentials_expiring_soon(4);
        metrics.set_audit_chain_integrity(false);
        metrics.rate_limit_hit(Some(Uuid::nil()));
        metrics.rate_limit_hit(None);
        metrics.set_pool(3, 1);
        metrics.tenant_call(Uuid::nil(), "free");
        metrics.limit_rejection(Uuid::nil(), "tokens");
        metrics.job_ran("key-schedule", true, 7);
        let text = metrics.encode();
        for line in [
            "agentidp_tokens_issued_total{scope=\"agents:read\"} 1",
            "agentidp_oidc_tokens_issued_total 1",
            "agentidp_agents_registered_total{deployment_env=\"production\"} 1",
            "agentidp_http_requests_total{method=\"GET\",route=\"/api/v1/agents/:agentId\",status_code=\"200\"} 1",
            "agentidp_http_request_duration_seconds_bucket{le=\"0.005\",method=\"GET\",route=\"/api/v1/agents/:agentId\",status_code=\"200\"} 1",
            "agentidp_db_query_duration_seconds_bucket{le=\"0.001\",operation=\"agents.find\"} 0",
            "agentidp_redis_command_duration_seconds_bucket{le=\"0.0005\",command=\"count\"} 0",
            "agentidp_credentials_expiring_soon_total 4",
            "agentidp_audit_chain_integrity 0",
            "agentidp_rate_limit_hits_total{client_id=\"00000000-0000-0000-0000-000000000000\"} 1",
            "agentidp_rate_limit_hits_total{client_id=\"unknown\"} 1",
            "agentidp_db_pool_active_connections 3",
            "agentidp_db_pool_waiting_requests 1",
            "agentidp_tenant_api_calls_total{org_id=\"00000000-0000-0000-0000-000000000000\",tier=\"free\"} 1",
            "agentidp_billing_limit_rejections_total{org_id=\"00000000-0000-0000-0000-000000000000\",limit_type=\"tokens\"} 1",
            "agentidp_job_runs_total{job=\"key-schedule\",outcome=\"success\"} 1",
            "agentidp_job_last_success_timestamp_seconds{job=\"key-schedule\"} 7",
        ] {
            assert!(
                text.lines().any(|have| have == line),
                "{line} is missing in\n{text}"
            );
        }
    }
}

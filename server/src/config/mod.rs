//! Configuration: the environment, a `.env` file and flags, read once and parsed whole.
//!
//! A wrong value is a [`ConfigError`] that names the variable, what is wrong and an example; the
//! process then ends with [`EXIT_CODE`]. Nothing else in the server reads the environment.

mod error;
mod front;
mod parse;
mod pool;
mod proxies;
mod source;
mod vault;

pub use parse::postgres;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

pub use error::{ConfigError, EXIT_CODE};
pub use front::{Front, Origins, TlsFiles};
pub use pool::Pool;
pub use proxies::Proxies;
pub use source::Source;
pub use vault::Vault;

use crate::{cache::Address, keys::SigningAlgorithm, secrets::EncryptionKeys, wire::Secret};

/// How many requests an instance works on at once; more are answered 503. Enough to keep every core and connection busy
/// many times over, few enough that their bodies and answers fit into memory.
pub const REQUESTS_MAX: usize = 1024;

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// `AGENTIDP_DATA_DIR`, default `./.agentidp`: database, generated keys, bootstrap file.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`, default `sqlite://<data dir>/agentidp.db`.
    pub database: Database,
    /// `AUTO_MIGRATE`, default true; false refuses an old schema.
    pub auto_migrate: bool,
    /// `DB_POOL_*`.
    pub pool: Pool,
    /// `HOST`, default 127.0.0.1.
    pub host: IpAddr,
    /// `PORT`, default 3000; 0 takes any free one.
    pub port: u16,
    /// `PUBLIC_URL`, without a trailing slash; made from host and port when absent.
    pub public_url: Option<String>,
    /// `ISSUER`, without a trailing slash; [`Config::public_url`] when absent.
    pub issuer: Option<String>,
    /// `JWT_TRUSTED_ISSUERS`, default none.
    pub trusted_issuers: Vec<String>,
    /// `JWT_SIGNING_ALG`, default RS256.
    pub signing_algorithm: SigningAlgorithm,
    /// `JWT_PRIVATE_KEY`: PEM; generated when absent.
    pub jwt_private_key: Option<Secret>,
    /// `JWT_PUBLIC_KEY`: PEM.
    pub jwt_public_key: Option<String>,
    /// `OIDC_FORCE_KEY_ROTATION`: `true` or any other label; each is done once for a database.
    pub force_key_rotation: Option<String>,
    /// `ENCRYPTION_KEY`; generated in the data directory when absent.
    pub encryption_keys: Option<EncryptionKeys>,
    /// `VAULT_*`, default none.
    pub vault: Option<Vault>,
    /// `RATE_LIMIT_*`.
    pub rate_limit: RateLimit,
    /// `REDIS_URL`, default none: what instances would share stays in this process.
    pub redis: Option<Address>,
    /// `REDIS_RATE_LIMIT_ENABLED`, default true; false counts requests in this process even with a Redis.
    pub redis_rate_limit: bool,
    /// `TIER_ENFORCEMENT`, default true: whether what a tier does not allow is refused. It is counted anyway.
    pub tier_enforcement: bool,
    /// `AUDIT_RETENTION_DAYS`, default 90.
    pub audit_retention: Duration,
    /// `AUDIT_CHAIN_VERIFICATION_INTERVAL_MS`, default an hour.
    pub chain_verification_interval: Duration,
    /// `SECRETS_ROTATION_CHECK_INTERVAL_MS`, default an hour.
    pub secrets_check_interval: Duration,
    /// `JWKS_CACHE_TTL_SECONDS`, default 3600.
    pub jwks_cache_ttl: Duration,
    /// `POLICY_DIR`, default the built-in policy.
    pub policy_dir: Option<PathBuf>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go; nowhere when absent.
    pub collector: Option<Collector>,
    /// TLS and origins.
    pub front: Front,
    /// How many requests are worked on at once: a constant, [`REQUESTS_MAX`], that tests lower.
    pub requests_max: usize,
    /// `METRICS_ADDR`: where `/metrics` is served instead of beside everything else.
    pub metrics_address: Option<SocketAddr>,
    /// `TRUSTED_PROXIES`, default none.
    pub trusted_proxies: Proxies,
    /// `SHUTDOWN_GRACE_MS`, default 0: how long `/health` says 503 before the listener closes.
    pub shutdown_grace: Duration,
    /// `LOG_FORMAT`; pretty on a terminal, JSON otherwise when absent.
    pub log_format: Option<LogFormat>,
    /// `RUST_LOG`: what is logged, by level and target; see [`crate::cli`] for what is when absent.
    pub log_filter: Option<String>,
}

/// Who takes traces, by OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Without a trailing slash and without `/v1/traces`.
    pub endpoint: String,
    /// `OTEL_SERVICE_NAME`, default `agentidp`.
    pub service_name: String,
}

/// Where things are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// An embedded database file.
    Sqlite(PathBuf),
    /// A PostgreSQL database that instances share.
    Postgres {
        /// The server's role.
        url: Secret,
        /// `DATABASE_MIGRATION_URL`: the role that owns the tables, where it is another one.
        migration_url: Option<Secret>,
    },
}

/// How many requests a client may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// `RATE_LIMIT_WINDOW_MS`, default a minute.
    pub window: Duration,
    /// `RATE_LIMIT_MAX_REQUESTS`, default 100; 0 switches every request rate off, also those that operations
    /// have of their own.
    pub max_requests: u32,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads everything.
    pub fn load(source: &Source) -> Result<Self, ConfigError> {
        source.refuse_what_is_not_there_yet()?;
        let data_dir = parse::folder(source, "AGENTIDP_DATA_DIR", "./.agentidp")?;
        let database = parse::database(source, &data_dir)?;
        let encryption_keys = parse::encryption_keys(source, &database)?;
        Ok(Self {
            database,
            auto_migrate: parse::flag(source, "AUTO_MIGRATE", true)?,
            pool: pool::read(source)?,
            host: parse::value(
                source,
                "HOST",
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                "is not an IP address",
                "127.0.0.1",
            )?,
            port: parse::value(
                source,
                "PORT",
                3000,
                "is not a port between 0 and 65535",
                "3000",
            )?,
            public_url: parse::url(source, "PUBLIC_URL")?,
            issuer: parse::url(source, "ISSUER")?,
            trusted_issuers: parse::urls(source, "JWT_TRUSTED_ISSUERS")?,
            signing_algorithm: parse::value(
                source,
                "JWT_SIGNING_ALG",
                SigningAlgorithm::default(),
                "is not RS256, ES256 or EdDSA",
                "RS256",
            )?,
            jwt_private_key: parse::pem(source, "JWT_PRIVATE_KEY")?.map(Secret::new),
            jwt_public_key: parse::public_key(source)?,
            force_key_rotation: parse::label(source, "OIDC_FORCE_KEY_ROTATION"),
            encryption_keys,
            vault: Vault::read(source)?,
            rate_limit: RateLimit {
                window: parse::milliseconds(source, "RATE_LIMIT_WINDOW_MS", 60_000, 1)?,
                max_requests: parse::at_least(source, "RATE_LIMIT_MAX_REQUESTS", 100, 0)?,
            },
            redis: parse::redis(source)?,
            redis_rate_limit: parse::flag(source, "REDIS_RATE_LIMIT_ENABLED", true)?,
            tier_enforcement: parse::flag(source, "TIER_ENFORCEMENT", true)?,
            audit_retention: Duration::from_secs(
                86_400 * u64::from(parse::at_least(source, "AUDIT_RETENTION_DAYS", 90, 1)?),
            ),
            chain_verification_interval: parse::milliseconds(
                source,
                "AUDIT_CHAIN_VERIFICATION_INTERVAL_MS",
                3_600_000,
                1_000,
            )?,
            secrets_check_interval: parse::milliseconds(
                source,
                "SECRETS_ROTATION_CHECK_INTERVAL_MS",
                3_600_000,
                1_000,
            )?,
            jwks_cache_ttl: Duration::from_secs(u64::from(parse::at_least(
                source,
                "JWKS_CACHE_TTL_SECONDS",
                3600,
                1,
            )?)),
            policy_dir: source.get("POLICY_DIR").map(PathBuf::from),
            collector: parse::collector(source)?,
            front: front::read(source)?,
            requests_max: REQUESTS_MAX,
            metrics_address: parse::address(source, "METRICS_ADDR")?,
            trusted_proxies: parse::proxies(source)?,
            shutdown_grace: parse::milliseconds(source, "SHUTDOWN_GRACE_MS", 0, 0)?,
            log_format: parse::log_format(source)?,
            log_filter: parse::log_filter(source)?,
            data_dir,
        })
    }

    /// The URL under which others reach this server, without a trailing slash. With port 0 it is
    /// right only after [`Config::bound_to`].
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| {
            let host = match self.host {
                host if host.is_unspecified() => "localhost".to_owned(),
                IpAddr::V4(host) => host.to_string(),
                IpAddr::V6(host) => format!("[{host}]"),
            };
            let scheme = if self.front.tls.is_some() {
                "https"
            } else {
                "http"
            };
            format!("{scheme}://{host}:{}", self.port)
        })
    }

    /// The `iss` of tokens.
    pub fn issuer(&self) -> String {
        self.issuer.clone().unwrap_or_else(|| self.public_url())
    }

    /// The same with the port that the listener really has.
    #[must_use]
    pub fn bound_to(mut self, port: u16) -> Self {
        self.port = port;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(&Source::of(pairs))
    }

    #[test]
    fn starts_with_nothing() {
        let config = load(&[]).unwrap();
        assert_eq!(config.public_url(), "http://127.0.0.1:3000");
        assert_eq!(config.issuer(), config.public_url());
        assert_eq!(
            config.database,
            Database::Sqlite("./.agentidp/agentidp.db".into())
        );
        assert_eq!(
            config.clone().bound_to(4100).issuer(),
            "http://127.0.0.1:4100"
        );
        assert_eq!(config.rate_limit.max_requests, 100);
    }

    #[test]
    fn a_wrong_value_names_variable_fault_and_example() {
        for (variable, value, fault) in [
            ("PORT", "70000", "is not a port"),
            ("HOST", "localhost", "is not an IP address"),
            ("AUTO_MIGRATE", "perhaps", "is neither true nor false"),
            ("TIER_ENFORCEMENT", "0ff", "is neither true nor false"),
            ("JWT_SIGNING_ALG", "HS256", "is not RS256"),
            ("JWT_SIGNING_ALG", "none", "is not RS256"),
            ("PUBLIC_URL", "ftp://x", "is not an http"),
            ("PUBLIC_URL", "http://x/?a", "is not an http"),
            ("PUBLIC_URL", "https:idp.example.com", "is not an http"),
            (
                "PUBLIC_URL",
                "https://idp.example.com/a b",
                "is not an http",
            ),
            ("ISSUER", "https:///idp.example.com", "is not an http"),
            ("ISSUER", "https://idp\\example.com", "is not an http"),
            ("ISSUER", "https://\u{e4}.example.com", "is not an http"),
            ("JWT_TRUSTED_ISSUERS", "http://a,b", "\"b\" is not an http"),
            ("DB_POOL_MAX", "99999999999", "between 1 and 4294967295"),
            ("RATE_LIMIT_MAX_REQUESTS", "-1", "between 0 and"),
            (
                "DATABASE_URL",
                "postgres://x/y?sslmode=maybe",
                "cannot be used",
            ),
            ("DATABASE_URL", "mysql://x", "is not a sqlite"),
            ("DATABASE_URL", "postgres://", "names no host"),
            (
                "DATABASE_URL",
                "postgres://db.example.com",
                "names no database",
            ),
            ("DATABASE_MIGRATION_URL", "postgres://x/y", "has no meaning"),
            ("KAFKA_BROKERS", "kafka:9092", "not part of this version"),
            ("DB_POOL_MIN", "30", "is more than"),
            ("RATE_LIMIT_WINDOW_MS", "0", "between 1 and"),
            (
                "AUDIT_CHAIN_VERIFICATION_INTERVAL_MS",
                "10",
                "between 1000 and",
            ),
            ("SECRETS_ROTATION_CHECK_INTERVAL_MS", "1h", "between 1000"),
            ("ENCRYPTION_KEY", "abc", "64"),
            ("JWT_PRIVATE_KEY", "abc", "is no PEM"),
            ("JWT_PUBLIC_KEY", "abc", "is no PEM"),
            (
                "JWT_PUBLIC_KEY",
                "-----BEGIN PUBLIC KEY-----",
                "has no meaning without JWT_PRIVATE_KEY",
            ),
            ("TRUSTED_PROXIES", "10.0.0.0/33", "is not a list of"),
            ("LOG_FORMAT", "xml", "is neither"),
            ("RUST_LOG", "info,a=b=c", "does not say which"),
            ("REDIS_URL", "localhost:6379", "is not a redis:// or"),
            ("REDIS_URL", "rediss://x/#insecure", "has a query or"),
            ("REDIS_RATE_LIMIT_ENABLED", "maybe", "is neither true nor"),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "localhost:4318",
                "is not an http",
            ),
            ("METRICS_ADDR", "9100", "is not an IP address and a port"),
        ] {
            let error = load(&[(variable, value)])
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default();
            assert!(
                error.starts_with(&format!("{variable}: ")),
                "{variable}={value}: {error}"
            );
            assert!(error.contains(fault), "{variable}={value}: {error}");
            assert!(
                error.contains(&format!("{variable}=")),
                "{variable}={value}: {error}"
            );
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn instances_that_share_a_database_share_their_encryption_key() {
        let url = (
            "DATABASE_URL",
            "postgres://agentidp:hunter2@db.example.com/agentidp",
        );
        let error = load(&[url]).unwrap_err().to_string();
        assert!(error.starts_with("ENCRYPTION_KEY: is required"), "{error}");
        let key = "5e".repeat(32);
        let config = load(&[url, ("ENCRYPTION_KEY", &key)]).unwrap();
        assert!(matches!(config.database, Database::Postgres { .. }));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_wrong_secret_is_not_repeated() {
        for (variable, value) in [
            ("ENCRYPTION_KEY", "hunter2"),
            ("REDIS_URL", "redis://:hunter2@cache/users"),
            ("PUBLIC_URL", "https://x:hunter2@idp.example.com"),
            ("DATABASE_URL", "postgres://x:hunter2@db/y?sslmode=maybe"),
        ] {
            let error = load(&[(variable, value)]).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let config = load(&[("JWT_TRUSTED_ISSUERS", "https://eu.example.com/")]).unwrap();
        assert_eq!(config.trusted_issuers, ["https://eu.example.com"]);
        let config = load(&[("REDIS_URL", "redis://:hunter2@cache")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

//! One function a kind of value.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use tracing_subscriber::EnvFilter;

use super::{Collector, ConfigError, Database, LogFormat, Proxies, Source};
use crate::{cache::Address, secrets::EncryptionKeys, storage, wire::Secret};

/// Anything that parses; `problem` and `example` are said when it does not.
pub fn value<T: FromStr>(
    source: &Source,
    name: &str,
    default: T,
    problem: &str,
    example: &str,
) -> Result<T, ConfigError> {
    match source.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| ConfigError::new(name, format!("{text:?} {problem}"), example)),
    }
}

/// A whole number that is neither too small nor too large.
pub fn at_least(source: &Source, name: &str, default: u32, least: u32) -> Result<u32, ConfigError> {
    let problem = format!("is not a whole number between {least} and {}", u32::MAX);
    let number = value(source, name, default, &problem, &default.to_string())?;
    if number < least {
        return Err(ConfigError::new(
            name,
            format!("{number} {problem}"),
            default.to_string(),
        ));
    }
    Ok(number)
}

/// A time in milliseconds.
pub fn milliseconds(
    source: &Source,
    name: &str,
    default: u32,
    least: u32,
) -> Result<Duration, ConfigError> {
    at_least(source, name, default, least).map(|ms| Duration::from_millis(ms.into()))
}

/// A folder that need not be there yet. One that is would say by itself that it is another.
pub fn folder(source: &Source, name: &str, default: &str) -> Result<PathBuf, ConfigError> {
    let text = source.get(name).unwrap_or(default);
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(ConfigError::new(name, "is not UTF-8", default));
    }
    Ok(PathBuf::from(text))
}

/// true or false.
pub fn flag(source: &Source, name: &str, default: bool) -> Result<bool, ConfigError> {
    match source.get(name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes" | "on") => Ok(true),
        Some("false" | "0" | "no" | "off") => Ok(false),
        Some(other) => Err(ConfigError::new(
            name,
            format!("{other:?} is neither true nor false"),
            default.to_string(),
        )),
    }
}

/// Any text; what means no counts as absent.
pub fn label(source: &Source, name: &str) -> Option<String> {
    match flag(source, name, false) {
        Ok(false) => None,
        _ => source.get(name).map(str::to_owned),
    }
}

/// Comma separated.
pub fn list(source: &Source, name: &str) -> Vec<String> {
    source
        .get(name)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// An http or https URL without query and fragment; a trailing slash is cut off.
pub fn url(source: &Source, name: &str) -> Result<Option<String>, ConfigError> {
    source.get(name).map(|text| one_url(name, text)).transpose()
}

/// Such URLs, comma separated.
pub fn urls(source: &Source, name: &str) -> Result<Vec<String>, ConfigError> {
    let all = list(source, name);
    all.iter().map(|text| one_url(name, text)).collect()
}

fn one_url(name: &str, text: &str) -> Result<String, ConfigError> {
    let example = match name {
        "VAULT_ADDR" => "https://vault.example.com:8200",
        "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://collector.example.com:4318",
        _ => "https://idp.example.com",
    };
    // Before an @ stands what may be a password: it is not repeated.
    if text.contains('@') {
        let problem = "holds an @: a URL without user and password is expected";
        return Err(ConfigError::new(name, problem, example));
    }
    let parsed = url::Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && is_written_out(text, url.scheme())
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    match parsed {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(ConfigError::new(
            name,
            format!("{text:?} is not an http or https URL without query and fragment"),
            example,
        )),
    }
}

/// Whether it is what it says: others compare it byte by byte and read it more strictly than browsers do, whose parser
/// takes `https:host`, blanks and letters that no URI has (RFC 3986).
fn is_written_out(text: &str, scheme: &str) -> bool {
    let forbidden = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c);
    let behind = text.get(scheme.len()..).and_then(|t| t.strip_prefix("://"));
    behind.is_some_and(|rest| !rest.starts_with('/')) && !text.contains(forbidden)
}

/// `DATABASE_URL` and `DATABASE_MIGRATION_URL`. Either may hold a password: they are not repeated.
pub fn database(source: &Source, data_dir: &Path) -> Result<Database, ConfigError> {
    const NAME: &str = "DATABASE_URL";
    const OWNER: &str = "DATABASE_MIGRATION_URL";
    let owner = source.get(OWNER);
    let text = source.get(NAME);
    if let Some(url) = text.filter(|text| is_postgres(text)) {
        return Ok(Database::Postgres {
            url: postgres(NAME, url)?,
            migration_url: owner.map(|owner| postgres(OWNER, owner)).transpose()?,
        });
    }
    if owner.is_some() {
        return Err(ConfigError::new(
            OWNER,
            "has no meaning without a postgres:// DATABASE_URL",
            "",
        ));
    }
    match text.map(|text| text.strip_prefix("sqlite://").unwrap_or_default()) {
        None => Ok(Database::Sqlite(data_dir.join("agentidp.db"))),
        Some(path) if !path.is_empty() && !path.contains(['?', char::REPLACEMENT_CHARACTER]) => {
            Ok(Database::Sqlite(PathBuf::from(path)))
        }
        Some(_) => Err(ConfigError::new(
            NAME,
            "is not a sqlite:// URL with a path, nor a postgres:// URL",
            "sqlite://./agentidp.db",
        )),
    }
}

fn is_postgres(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// A `postgres://` URL that a connection can be tried with. It may hold a password: it is not repeated.
pub fn postgres(name: &str, text: &str) -> Result<Secret, ConfigError> {
    let example = "postgres://agentidp:password@db.example.com:5432/agentidp";
    let fault = |problem| ConfigError::new(name, problem, example);
    let url = url::Url::parse(text)
        .ok()
        .filter(|_| is_postgres(text))
        .ok_or_else(|| fault("is not a postgres:// URL"))?;
    if url.host_str().unwrap_or_default().is_empty() {
        return Err(fault("names no host"));
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(fault("names no database"));
    }
    if !storage::postgres::is_readable(text) {
        return Err(fault(
            "has a part that cannot be used, such as an unknown sslmode",
        ));
    }
    Ok(Secret::new(text))
}

/// `REDIS_URL`. It may hold a password: it is not repeated.
pub fn redis(source: &Source) -> Result<Option<Address>, ConfigError> {
    const NAME: &str = "REDIS_URL";
    let fault = |error: crate::cache::AddressError| {
        ConfigError::new(NAME, error.to_string(), "redis://cache.example.com:6379")
    };
    source
        .get(NAME)
        .map(|url| Address::parse(url).map_err(fault))
        .transpose()
}

/// A PEM document; `\n` stands for a line break where an environment cannot hold one.
pub fn pem(source: &Source, name: &str) -> Result<Option<String>, ConfigError> {
    let Some(text) = source.get(name) else {
        return Ok(None);
    };
    let text = text.replace("\\n", "\n");
    if text.trim_start().starts_with("-----BEGIN ") {
        Ok(Some(text))
    } else {
        let example = match name {
            "JWT_PUBLIC_KEY" => "'-----BEGIN PUBLIC KEY-----\\n…'",
            _ => "'-----BEGIN PRIVATE KEY-----\\n…'",
        };
        Err(ConfigError::new(name, "is no PEM document", example))
    }
}

/// `JWT_PUBLIC_KEY`. It only says what `JWT_PRIVATE_KEY` has to be: without that, the key that it names would never sign.
pub fn public_key(source: &Source) -> Result<Option<String>, ConfigError> {
    const NAME: &str = "JWT_PUBLIC_KEY";
    let key = pem(source, NAME)?;
    if key.is_some() && source.get("JWT_PRIVATE_KEY").is_none() {
        return Err(ConfigError::new(
            NAME,
            "has no meaning without JWT_PRIVATE_KEY: set both, or neither",
            "'-----BEGIN PUBLIC KEY-----\\n…'",
        ));
    }
    Ok(key)
}

/// `ENCRYPTION_KEY`. Instances that share a database share their keys: none could read what another's own key encrypted.
pub fn encryption_keys(
    source: &Source,
    database: &Database,
) -> Result<Option<EncryptionKeys>, ConfigError> {
    const NAME: &str = "ENCRYPTION_KEY";
    const EXAMPLE: &str = "$(openssl rand -hex 32)";
    match (source.get(NAME), database) {
        (Some(list), _) => EncryptionKeys::parse(list)
            .map(Some)
            .map_err(|error| ConfigError::new(NAME, error.to_string(), EXAMPLE)),
        (None, Database::Sqlite(_)) => Ok(None),
        (None, _) if source.get("ENCRYPTION_KEY_VAULT_PATH").is_some() => Ok(None),
        (None, Database::Postgres { .. }) => Err(ConfigError::new(
            NAME,
            "is required with a postgres:// DATABASE_URL: all instances share it",
            EXAMPLE,
        )),
    }
}

/// An address to listen on.
pub fn address(source: &Source, name: &str) -> Result<Option<SocketAddr>, ConfigError> {
    source
        .get(name)
        .map(|text| {
            text.parse().map_err(|_| {
                let problem = format!("{text:?} is not an IP address and a port");
                ConfigError::new(name, problem, "127.0.0.1:9100")
            })
        })
        .transpose()
}

/// `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`.
pub fn collector(source: &Source) -> Result<Option<Collector>, ConfigError> {
    let endpoint = url(source, "OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let service_name = source.get("OTEL_SERVICE_NAME").unwrap_or("agentidp");
    Ok(endpoint.map(|endpoint| Collector {
        endpoint,
        service_name: service_name.to_owned(),
    }))
}

/// `TRUSTED_PROXIES`.
pub fn proxies(source: &Source) -> Result<Proxies, ConfigError> {
    const NAME: &str = "TRUSTED_PROXIES";
    let list = source.get(NAME).unwrap_or_default();
    Proxies::parse(list).ok_or_else(|| {
        ConfigError::new(
            NAME,
            format!("{list:?} is not a list of addresses and networks"),
            "10.0.0.0/8,192.0.2.7",
        )
    })
}

/// `RUST_LOG`.
pub fn log_filter(source: &Source) -> Result<Option<String>, ConfigError> {
    const NAME: &str = "RUST_LOG";
    let Some(text) = source.get(NAME) else {
        return Ok(None);
    };
    let marked = text.contains(char::REPLACEMENT_CHARACTER);
    match EnvFilter::try_new(text) {
        Ok(_) if !marked => Ok(Some(text.to_owned())),
        _ => Err(ConfigError::new(
            NAME,
            format!("{text:?} does not say which targets and levels are logged"),
            "info,agentidp::access=off",
        )),
    }
}

/// `LOG_FORMAT`.
pub fn log_format(source: &Source) -> Result<Option<LogFormat>, ConfigError> {
    match source.get("LOG_FORMAT") {
        None => Ok(None),
        Some("pretty") => Ok(Some(LogFormat::Pretty)),
        Some("json") => Ok(Some(LogFormat::Json)),
        Some(other) => Err(ConfigError::new(
            "LOG_FORMAT",
            format!("{other:?} is neither pretty nor json"),
            "json",
        )),
    }
}

//! One function a kind of value.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use super::{ConfigError, Database, LogFormat, Proxies, Source};
use crate::{secrets::EncryptionKeys, wire::Secret};

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

/// A whole number that is large enough.
pub fn at_least(source: &Source, name: &str, default: u32, least: u32) -> Result<u32, ConfigError> {
    let problem = format!("is not a whole number of at least {least}");
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
    let Some(text) = source.get(name) else {
        return Ok(None);
    };
    let parsed = url::Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    match parsed {
        Some(_) => Ok(Some(text.trim_end_matches('/').to_owned())),
        None => Err(ConfigError::new(
            name,
            format!("{text:?} is not an http or https URL without query and fragment"),
            "https://idp.example.com",
        )),
    }
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
        Some(path) if !path.is_empty() && !path.contains('?') => {
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

fn postgres(name: &str, text: &str) -> Result<Secret, ConfigError> {
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
    Ok(Secret::new(text))
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
        Err(ConfigError::new(
            name,
            "is no PEM document",
            "'-----BEGIN PRIVATE KEY-----\\n…'",
        ))
    }
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
        (None, Database::Postgres { .. }) => Err(ConfigError::new(
            NAME,
            "is required with a postgres:// DATABASE_URL: all instances share it",
            EXAMPLE,
        )),
    }
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

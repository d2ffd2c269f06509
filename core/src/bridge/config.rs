//! A client's configuration as JSON: the keys that all bindings use.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use super::place;
use crate::{
    Error, Secret,
    config::{Arguments, NetworkArguments},
};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Given {
    base_url: Option<String>,
    client_id: Option<String>,
    // Any type, so that a wrong one is not repeated in the error.
    client_secret: Option<Value>,
    scopes: Option<Vec<String>>,
    timeout_ms: Option<f64>,
    connect_timeout_ms: Option<f64>,
    retries: Option<u32>,
    headers: Option<BTreeMap<String, String>>,
    allow_insecure_http: Option<bool>,
    ca_bundle: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    // Any type, as above: it may hold a password.
    proxy: Option<Value>,
    language: Option<String>,
    runtime: Option<String>,
}

/// Reads it. Unknown keys and wrong types are configuration errors.
pub(super) fn read(json: &[u8]) -> Result<Arguments, Error> {
    let given: Given = if json.is_empty() {
        Given::default()
    } else {
        serde_json::from_slice(json).map_err(|e| unreadable(json, &e))?
    };
    let timeout = given.timeout_ms.map(|ms| milliseconds("timeoutMs", ms));
    let connect = given
        .connect_timeout_ms
        .map(|ms| milliseconds("connectTimeoutMs", ms));
    let headers = given.headers.unwrap_or_default().into_iter();
    Ok(Arguments {
        base_url: given.base_url,
        client_id: given.client_id,
        client_secret: secret("clientSecret", given.client_secret)?,
        scopes: given.scopes,
        timeout: timeout.transpose()?,
        retries: given.retries,
        allow_insecure_http: given.allow_insecure_http,
        network: NetworkArguments {
            connect_timeout: connect.transpose()?,
            headers: headers
                .map(|(name, value)| (name, Secret::from(value)))
                .collect(),
            ca_bundle: path(given.ca_bundle),
            client_certificate: path(given.client_certificate),
            client_key: path(given.client_key),
            proxy: secret("proxy", given.proxy)?.filter(|url| !url.expose_secret().is_empty()),
            host: given
                .language
                .map(|language| (language, given.runtime.unwrap_or_default())),
        },
    })
}

/// What is wrong, without the value that was given: a wrong one may be a secret in the wrong place.
pub(super) fn unreadable(json: &[u8], error: &serde_json::Error) -> Error {
    let (mut name, what) = place::fault(json, error);
    if name.is_empty() {
        "the configuration".clone_into(&mut name);
    }
    Error::configuration(format!("{name} {what}"))
}

/// A text that is not repeated in an error, whatever its type.
pub(super) fn secret(key: &str, given: Option<Value>) -> Result<Option<Secret>, Error> {
    match given {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Secret::new(text))),
        Some(_) => Err(Error::configuration(format!("{key} must be a string"))),
    }
}

fn path(given: Option<String>) -> Option<PathBuf> {
    given.filter(|path| !path.is_empty()).map(PathBuf::from)
}

pub(super) fn milliseconds(key: &str, ms: f64) -> Result<Duration, Error> {
    duration(ms).ok_or_else(|| {
        Error::configuration(format!("{key} must be a number of milliseconds above zero"))
    })
}

/// A positive, finite number of milliseconds.
pub(super) fn duration(ms: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(ms / 1000.0)
        .ok()
        .filter(|d| !d.is_zero())
}

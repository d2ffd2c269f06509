//! A client's configuration as JSON: the keys that all bindings use.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Secret, config::Arguments};

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
    language: Option<String>,
    runtime: Option<String>,
}

/// Reads it. Unknown keys and wrong types are configuration errors.
pub(super) fn read(json: &[u8]) -> Result<Arguments, Error> {
    let given: Given = if json.is_empty() {
        Given::default()
    } else {
        serde_json::from_slice(json)
            .map_err(|e| Error::configuration(format!("configuration: {e}")))?
    };
    let client_secret = match given.client_secret {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Secret::new(text)),
        Some(_) => return Err(Error::configuration("clientSecret must be a string")),
    };
    Ok(Arguments {
        base_url: given.base_url,
        client_id: given.client_id,
        client_secret,
        scopes: given.scopes,
        timeout: given
            .timeout_ms
            .map(|ms| milliseconds("timeoutMs", ms))
            .transpose()?,
        connect_timeout: given
            .connect_timeout_ms
            .map(|ms| milliseconds("connectTimeoutMs", ms))
            .transpose()?,
        retries: given.retries,
        headers: given.headers.unwrap_or_default().into_iter().collect(),
        allow_insecure_http: given.allow_insecure_http,
        ca_bundle: given
            .ca_bundle
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        host: given
            .language
            .map(|language| (language, given.runtime.unwrap_or_default())),
    })
}

fn milliseconds(key: &str, ms: f64) -> Result<Duration, Error> {
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

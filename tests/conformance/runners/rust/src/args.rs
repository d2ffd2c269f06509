//! Arguments of a case, and what comes back as plain JSON.

use std::{collections::BTreeMap, fmt::Debug};

use futures_util::{StreamExt as _, TryStreamExt as _};
use sentryagent_idp::{Call, Error, ErrorKind, FromBody, Pages};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{request::duration, shown};

/// The envelope of a call's arguments.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Args {
    path: BTreeMap<String, String>,
    query: Option<Value>,
    body: Option<Value>,
    options: Options,
    /// The answer is wanted with what came around it.
    #[serde(skip)]
    raw: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Options {
    timeout_ms: Option<f64>,
    connect_timeout_ms: Option<f64>,
    retries: Option<u32>,
    headers: BTreeMap<String, String>,
    idempotency_key: Option<String>,
    request_id: Option<String>,
}

impl Args {
    /// The same, for an answer with status and headers.
    pub fn raw(&self) -> Self {
        Self {
            raw: true,
            ..self.clone()
        }
    }

    /// A path id.
    pub fn path(&self, name: &str) -> String {
        self.path.get(name).cloned().unwrap_or_default()
    }

    /// The body as the public type.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        read("body", self.body.clone().unwrap_or_else(|| json!({})))
    }

    /// The body as the public type, if there is one.
    pub fn body_or_none<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        self.body
            .clone()
            .map(|value| read("body", value))
            .transpose()
    }

    /// The query as the public type.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        read("query", self.query.clone().unwrap_or_else(|| json!({})))
    }

    /// The query as the public type, if there is one.
    pub fn query_or_none<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        self.query
            .clone()
            .map(|value| read("query", value))
            .transpose()
    }

    /// Applies the call's options and makes it.
    pub async fn run<T: FromBody + Serialize + Debug>(
        &self,
        mut call: Call<T>,
    ) -> Result<Value, Fault> {
        let options = self.options.clone();
        if let Some(ms) = options.timeout_ms {
            call = call.timeout(duration(ms));
        }
        if let Some(ms) = options.connect_timeout_ms {
            call = call.connect_timeout(duration(ms));
        }
        if let Some(retries) = options.retries {
            call = call.retries(retries);
        }
        for (name, value) in options.headers {
            call = call.header(name, value);
        }
        if let Some(key) = options.idempotency_key {
            call = call.idempotency_key(key);
        }
        if let Some(id) = options.request_id {
            call = call.request_id(id);
        }
        if !self.raw {
            let value = call.await?;
            shown::answer(&value);
            return plain(&value);
        }
        let raw = call.raw().await?;
        shown::answer(&raw.value);
        let mut headers = Map::new();
        for (name, value) in raw.headers() {
            headers.insert(name.clone(), value.as_str().into());
        }
        Ok(json!({
            "status": raw.status,
            "headers": headers,
            "requestId": raw.request_id,
            "value": plain(&raw.value)?,
        }))
    }
}

/// Reads at most `limit` items.
pub async fn collect<T: Serialize + Send + 'static>(
    pages: Pages<T>,
    limit: usize,
) -> Result<Value, Fault> {
    let items: Vec<T> = pages.take(limit).try_collect().await?;
    plain(&items)
}

/// As JSON, by the public conversion.
pub fn plain(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|e| Fault::said(&e.to_string()))
}

fn read<T: DeserializeOwned>(part: &str, value: Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|e| Fault::said(&format!("{part}: {e}")))
}

/// The error record of a failed call.
pub struct Fault(pub Value);

impl Fault {
    /// The runner has no such operation.
    pub fn unknown(operation: &str) -> Self {
        Self::said(&format!("no operation {operation}"))
    }

    /// The runner has no such verb.
    pub fn unknown_verb(verb: &str) -> Self {
        let message = format!("the runner does not know the verb {verb}");
        Self(json!({
            "kind": "configuration", "code": "UNKNOWN_VERB", "class": "Runner", "message": message,
        }))
    }

    /// What the runner itself has to say.
    pub fn said(message: &str) -> Self {
        Self(json!({"kind": "runner", "code": "RUNNER", "class": "Runner", "message": message}))
    }

    /// The call was dropped: in Rust nobody is left to receive an error.
    pub fn cancelled() -> Self {
        Self(
            json!({"kind": "cancelled", "code": "CANCELLED", "class": "Cancelled", "message": "the call was dropped"}),
        )
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        shown::error(&error);
        let mut record = error.to_json();
        record["class"] = class(error.kind()).into();
        Self(record)
    }
}

/// The kind as the other languages name their classes; in Rust it is an enum.
fn class(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::Permission => "PermissionDenied".into(),
        ErrorKind::Connection => "ApiConnection".into(),
        ErrorKind::Timeout => "ApiTimeout".into(),
        other => format!("{other:?}"),
    }
}

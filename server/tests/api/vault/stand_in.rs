//! A stand-in for Vault's KV version 2, over HTTP: mounts, versions, check-and-set, delete, undelete,
//! destroy, metadata, the answers of a sealed, a hanging and a refusing one, and (`own_token`) what a
//! token may ask about itself. Its shapes are those of a real Vault: the tests of the client run against
//! both.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use super::{
    own_token::{self, OwnToken},
    tls::Tls,
};

/// What it is like at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Serving,
    Sealed,
    /// Takes connections and never answers.
    Hanging,
    /// Does what it is asked to write and never answers.
    Swallowing,
    /// Refuses every token.
    Denying,
}

#[derive(Debug, Default)]
struct Inner {
    mood: Mood,
    entries: BTreeMap<String, Entry>,
    mounts: Vec<String>,
    calls: Vec<String>,
    token: OwnToken,
    token_calls: Vec<String>,
}

#[derive(Debug, Default)]
struct Entry {
    /// From 1.
    versions: Vec<Version>,
    versions_max: usize,
}

#[derive(Debug)]
struct Version {
    data: Value,
    deleted: bool,
    destroyed: bool,
}

/// A running one.
pub struct StandIn {
    pub address: String,
    inner: Arc<Mutex<Inner>>,
    task: tokio::task::JoinHandle<()>,
}

pub const TOKEN: &str = "hvs.stand-in";

impl StandIn {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        Self::on(listener, address)
    }

    /// Over TLS, with that certificate, at `https://localhost`.
    pub async fn start_with_tls(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        let tls = Tls::bind(certificate, key).await;
        let address = format!("https://localhost:{}", tls.port());
        Self::on(tls, address)
    }

    fn on<L>(listener: L, address: String) -> Self
    where
        L: axum::serve::Listener,
        L::Addr: std::fmt::Debug,
    {
        let inner = Arc::new(Mutex::new(Inner {
            mounts: vec!["secret".to_owned()],
            ..Inner::default()
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            inner,
            task,
        }
    }

    pub fn set(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
    }

    /// From now on its token lives like that.
    pub fn let_token_be(&self, token: OwnToken) {
        self.inner.lock().unwrap().token = token;
    }

    /// Method and path of every call so far about the token itself, also of those that it refused.
    pub fn token_calls(&self) -> Vec<String> {
        self.inner.lock().unwrap().token_calls.clone()
    }

    /// Method and path of every call so far, but those of health and of the token itself.
    pub fn calls(&self) -> Vec<String> {
        self.inner.lock().unwrap().calls.clone()
    }

    /// Paths that have an entry, deleted or not.
    pub fn paths(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.entries.keys().cloned().collect()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub type Answer = (StatusCode, Value);

async fn answer(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches("/v1/").to_owned();
    if path.starts_with(own_token::PREFIX) {
        let call = format!("{method} {path}");
        inner.lock().unwrap().token_calls.push(call);
    }
    let mood = inner.lock().unwrap().mood;
    if mood == Mood::Hanging {
        std::future::pending::<()>().await;
    }
    let token = headers.get("x-vault-token").map(|token| token.as_bytes());
    let (status, body) = if path == "sys/health" {
        let (status, sealed) = match mood {
            Mood::Sealed => (StatusCode::SERVICE_UNAVAILABLE, true),
            _ => (StatusCode::OK, false),
        };
        (
            status,
            json!({ "initialized": true, "sealed": sealed, "standby": false }),
        )
    } else if mood == Mood::Sealed {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "errors": ["Vault is sealed"] }),
        )
    } else if mood == Mood::Denying
        || token != Some(TOKEN.as_bytes())
        || inner.lock().unwrap().token.is_over()
    {
        (
            StatusCode::FORBIDDEN,
            json!({ "errors": ["permission denied"] }),
        )
    } else if let Some(verb) = path.strip_prefix(own_token::PREFIX) {
        inner.lock().unwrap().token.answer(&method, verb)
    } else {
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let list = method == Method::GET && uri.query() == Some("list=true");
        let answer = match list {
            true => inner.lock().unwrap().list(&path),
            false => inner.lock().unwrap().serve(&method, &path, &body),
        };
        if mood == Mood::Swallowing && method != Method::GET {
            std::future::pending::<()>().await;
        }
        answer
    };
    if body.is_null() {
        return status.into_response();
    }
    (status, axum::Json(body)).into_response()
}

pub fn refused(error: &str) -> Answer {
    (StatusCode::BAD_REQUEST, json!({ "errors": [error] }))
}

fn missing() -> Answer {
    (StatusCode::NOT_FOUND, json!({ "errors": [] }))
}

fn done() -> Answer {
    (StatusCode::NO_CONTENT, Value::Null)
}

pub fn found(status: StatusCode, data: Value) -> Answer {
    let body = json!({
        "request_id": "8f2c1b1e-0000-4000-8000-000000000000", "lease_id": "", "renewable": false,
        "lease_duration": 0, "data": data, "wrap_info": null, "warnings": null, "auth": null,
    });
    (status, body)
}

impl Inner {
    fn serve(&mut self, method: &Method, path: &str, body: &Value) -> Answer {
        self.calls.push(format!("{method} {path}"));
        if let Some(mount) = path.strip_prefix("sys/mounts/") {
            self.mounts.push(mount.to_owned());
            return done();
        }
        let mount = self
            .mounts
            .iter()
            .find(|mount| path.starts_with(&format!("{mount}/")));
        let Some(rest) = mount.map(|mount| &path[mount.len() + 1..]) else {
            let error = format!("no handler for route \"{path}\". route entry not found.");
            return (StatusCode::NOT_FOUND, json!({ "errors": [error] }));
        };
        let Some((verb, rest)) = rest.split_once('/') else {
            return found(
                StatusCode::OK,
                json!({ "cas_required": false, "max_versions": 0 }),
            );
        };
        let name = path[..path.len() - verb.len() - rest.len() - 1].to_owned() + rest;
        match (verb, method.as_str()) {
            ("data", "GET") => self.read(&name),
            ("data", "POST" | "PUT") => self.write(name, body),
            ("data", "DELETE") => self.mark(&name, None, |version| version.deleted = true),
            ("delete", _) => self.mark(&name, Some(body), |version| version.deleted = true),
            ("undelete", _) => self.mark(&name, Some(body), |version| version.deleted = false),
            ("destroy", _) => self.mark(&name, Some(body), |version| {
                version.destroyed = true;
                version.data = Value::Null;
            }),
            ("metadata", "GET") => self.metadata(&name),
            ("metadata", "POST" | "PUT") => {
                let max = body["max_versions"].as_u64().unwrap_or_default();
                self.entries.entry(name).or_default().versions_max = usize::try_from(max).unwrap();
                done()
            }
            ("metadata", "DELETE") => {
                self.entries.remove(&name);
                done()
            }
            _ => (
                StatusCode::METHOD_NOT_ALLOWED,
                json!({ "errors": ["unsupported operation"] }),
            ),
        }
    }

    fn list(&self, path: &str) -> Answer {
        let folder = path.replacen("/metadata/", "/", 1) + "/";
        let keys: Vec<&str> = self
            .entries
            .keys()
            .filter_map(|name| name.strip_prefix(&folder))
            .collect();
        found(StatusCode::OK, json!({ "keys": keys }))
    }

    fn read(&self, name: &str) -> Answer {
        let Some(entry) = self.entries.get(name) else {
            return missing();
        };
        let number = entry.versions.len();
        let Some(version) = entry.versions.last() else {
            return missing();
        };
        let gone = version.deleted || version.destroyed;
        let data = if gone {
            Value::Null
        } else {
            version.data.clone()
        };
        let status = if gone {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        };
        found(
            status,
            json!({ "data": data, "metadata": about(number, version) }),
        )
    }

    fn write(&mut self, name: String, body: &Value) -> Answer {
        if !body["data"].is_object() {
            return refused("no data provided");
        }
        let entry = self.entries.entry(name).or_default();
        let newest = entry.versions.len();
        if let Some(cas) = body["options"]["cas"].as_u64()
            && cas != newest as u64
        {
            return refused("check-and-set parameter did not match the current version");
        }
        entry.versions.push(Version {
            data: body["data"].clone(),
            deleted: false,
            destroyed: false,
        });
        let kept = if entry.versions_max == 0 {
            10
        } else {
            entry.versions_max
        };
        let number = entry.versions.len();
        for old in entry.versions.iter_mut().rev().skip(kept) {
            old.destroyed = true;
            old.data = Value::Null;
        }
        found(StatusCode::OK, about(number, &entry.versions[number - 1]))
    }

    fn mark(&mut self, name: &str, body: Option<&Value>, change: fn(&mut Version)) -> Answer {
        let Some(entry) = self.entries.get_mut(name) else {
            return done();
        };
        let newest = entry.versions.len() as u64;
        let wanted: Vec<u64> = match body {
            None => vec![newest],
            Some(body) => serde_json::from_value(body["versions"].clone()).unwrap(),
        };
        for number in wanted {
            let index = usize::try_from(number).unwrap().wrapping_sub(1);
            if let Some(version) = entry.versions.get_mut(index) {
                change(version);
            }
        }
        done()
    }

    fn metadata(&self, name: &str) -> Answer {
        let Some(entry) = self.entries.get(name) else {
            return missing();
        };
        let numbered = entry.versions.iter().enumerate();
        let versions: serde_json::Map<String, Value> = numbered
            .map(|(index, version)| ((index + 1).to_string(), about(index + 1, version)))
            .collect();
        let data = json!({
            "cas_required": false, "current_version": entry.versions.len(), "oldest_version": 0,
            "max_versions": entry.versions_max, "versions": versions,
        });
        found(StatusCode::OK, data)
    }
}

fn about(number: usize, version: &Version) -> Value {
    json!({
        "created_time": "2026-03-28T09:00:00Z", "custom_metadata": null, "version": number,
        "deletion_time": if version.deleted { "2026-03-28T09:00:00Z" } else { "" },
        "destroyed": version.destroyed,
    })
}

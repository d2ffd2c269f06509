//! A server in this process, and a client whose every answer is judged.

use std::sync::Arc;

use agentidp_server::{
    clock::{Clock, SystemClock},
    config::{Config, Source},
    serve::Server,
};
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use tempfile::TempDir;

use crate::{contract, database};

/// A running server with a fresh data directory.
pub struct Harness {
    pub server: Server,
    pub http: Client,
    pub admin: Identity,
    pub folder: TempDir,
}

/// A client's credentials.
#[derive(Clone)]
pub struct Identity {
    pub client_id: String,
    pub client_secret: String,
    pub organization_id: String,
}

/// An answer that the contract allows.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Option<Value>,
}

/// Starts with nothing configured but a free port, and without rate limits.
pub async fn start() -> Harness {
    start_with(&[("RATE_LIMIT_MAX_REQUESTS", "0")]).await
}

/// Starts with these variables.
pub async fn start_with(variables: &[(&str, &str)]) -> Harness {
    start_in(
        tempfile::tempdir().unwrap(),
        variables,
        Arc::new(SystemClock),
    )
    .await
}

/// Starts on that data directory.
pub async fn start_in(
    folder: TempDir,
    variables: &[(&str, &str)],
    clock: Arc<dyn Clock>,
) -> Harness {
    start_adjusted(folder, variables, clock, |_| {}).await
}

/// The same with something changed that no variable sets.
pub async fn start_adjusted(
    folder: TempDir,
    variables: &[(&str, &str)],
    clock: Arc<dyn Clock>,
    adjust: impl FnOnce(&mut Config),
) -> Harness {
    // Another test of this process may have been first; then there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let data = folder.path().display().to_string();
    let mut source = Source::of(&[("PORT", "0"), ("AGENTIDP_DATA_DIR", &data)]);
    for (name, value) in database::chosen(folder.path()).await {
        source.set(name, value);
    }
    for (name, value) in variables {
        source.set(name, *value);
    }
    let mut config = Config::load(&source).unwrap();
    adjust(&mut config);
    let server = Server::start(config, clock).await.unwrap();
    let bootstrap: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("bootstrap.json")).unwrap())
            .unwrap();
    let text = |name: &str| bootstrap[name].as_str().unwrap().to_owned();
    Harness {
        server,
        http: Client::builder().no_proxy().build().unwrap(),
        admin: Identity {
            client_id: text("clientId"),
            client_secret: text("clientSecret"),
            organization_id: text("organizationId"),
        },
        folder,
    }
}

impl Identity {
    /// The form fields of a token request.
    pub fn form(&self) -> [(&str, &str); 3] {
        [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
        ]
    }
}

impl Harness {
    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// A request, to be sent with [`Harness::send`].
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(
            Method::from_bytes(method.as_bytes()).unwrap(),
            self.url(path),
        )
    }

    /// Sends and judges.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let method = request.method().to_string();
        let path = request.url().path().to_owned();
        let response = self.http.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.bytes().await.unwrap();
        let body = (!text.is_empty()).then(|| serde_json::from_slice(&text).unwrap());
        assert!(
            headers.contains_key("x-request-id"),
            "{method} {path}: no X-Request-Id"
        );
        assert_eq!(
            headers["x-content-type-options"], "nosniff",
            "{method} {path}"
        );
        if status == 401 {
            assert!(
                headers.contains_key("www-authenticate"),
                "{method} {path}: no WWW-Authenticate"
            );
        }
        if body.is_some() {
            assert_eq!(
                headers["content-type"], "application/json",
                "{method} {path}"
            );
        }
        if method != "HEAD" {
            contract::judge(&method, &path, status, body.as_ref());
        }
        Answer {
            status,
            headers,
            body,
        }
    }

    /// `GET` with a token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request("GET", path).bearer_auth(token))
            .await
    }

    /// A token request with these form fields.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request("POST", path).form(fields)).await
    }

    /// A token of that client.
    pub async fn token(&self, identity: &Identity, scope: &str) -> String {
        let answer = self
            .form(
                "/api/v1/token",
                &[
                    ("grant_type", "client_credentials"),
                    ("client_id", &identity.client_id),
                    ("client_secret", &identity.client_secret),
                    ("scope", scope),
                ],
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("access_token")
    }

    /// A token of the first admin with the usual scopes.
    pub async fn admin_token(&self) -> String {
        self.token(
            &self.admin,
            "agents:read agents:write tokens:read audit:read",
        )
        .await
    }

    /// Stops the server and gives its data directory back.
    pub async fn stop(self) -> TempDir {
        self.server.stop().await;
        self.folder
    }
}

impl Answer {
    /// A member of the body; null when there is none.
    pub fn member(&self, name: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.body
            .as_ref()
            .and_then(|body| body.get(name))
            .unwrap_or(&NULL)
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> String {
        self.member(name).as_str().unwrap_or_default().to_owned()
    }

    /// The error code.
    pub fn code(&self) -> String {
        self.text("code")
    }

    /// The names of the fields at fault.
    pub fn faults(&self) -> Vec<String> {
        self.member("details")["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|fault| fault["field"].as_str().map(str::to_owned))
            .collect()
    }

    /// A header, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

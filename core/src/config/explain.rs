//! `explain_configuration`: each value and where it came from; secrets masked.

use serde_json::{Map, Value, json};

use super::{Config, Environment, Source, Sourced};
use crate::transport;

impl Config {
    /// One entry a setting, as the wire spells it: `{"baseUrl": {"value": …, "source": …}, …}`.
    /// A proxy of the environment is the one on the way to the base URL.
    pub fn explain(&self, environment: Environment<'_>) -> Value {
        let mut out = Map::new();
        let mut add = |name: &str, value: Value, source: Source| {
            let source = match source {
                Source::Argument => "argument".to_owned(),
                Source::Environment(variable) => format!("environment {variable}"),
                Source::Default => "default".to_owned(),
            };
            out.insert(name.to_owned(), json!({"value": value, "source": source}));
        };
        add("baseUrl", json!(self.base()), self.base_url.source);
        add(
            "clientId",
            json!(self.client_id.value),
            self.client_id.source,
        );
        add("clientSecret", json!("***"), self.client_secret.source);
        add("scopes", json!(self.scopes.value), self.scopes.source);
        add(
            "timeoutMs",
            milliseconds(&self.timeout),
            self.timeout.source,
        );
        add(
            "connectTimeoutMs",
            milliseconds(&self.network.connect_timeout),
            self.network.connect_timeout.source,
        );
        add("retries", json!(self.retries.value), self.retries.source);
        // Names only: a header of the caller's own may be a key.
        let headers: Vec<&str> = self
            .network
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        let source = if headers.is_empty() {
            Source::Default
        } else {
            Source::Argument
        };
        add("headers", json!(headers), source);
        if self.network.authorization.is_some() {
            add("authorization", json!("***"), Source::Argument);
        }
        add(
            "allowInsecureHttp",
            json!(self.allow_insecure_http.value),
            self.allow_insecure_http.source,
        );
        match &self.network.ca_bundle {
            Some(path) => add(
                "caBundle",
                json!(path.value.display().to_string()),
                path.source,
            ),
            None => add("caBundle", Value::Null, Source::Default),
        }
        let identity = self.network.client_identity.as_ref();
        for (name, path) in [
            ("clientCertificate", identity.map(|i| &i.certificate)),
            ("clientKey", identity.map(|i| &i.key)),
        ] {
            match path {
                Some(path) => add(name, json!(path.display().to_string()), Source::Argument),
                None => add(name, Value::Null, Source::Default),
            }
        }
        match &self.network.proxy {
            Some(proxy) => add("proxy", json!(proxy.shown()), Source::Argument),
            None => match transport::of_environment(&self.root, environment) {
                Some((proxy, name)) => add("proxy", json!(proxy), Source::Environment(name)),
                None => add("proxy", Value::Null, Source::Default),
            },
        }
        add("userAgent", json!(self.network.user_agent), Source::Default);
        Value::Object(out)
    }
}

fn milliseconds(time: &Sourced<std::time::Duration>) -> Value {
    json!(u64::try_from(time.value.as_millis()).unwrap_or(u64::MAX))
}

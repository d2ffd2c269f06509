//! Arguments become an HTTP request.
//!
//! Owns: path, query, body, the fields that the SDK fills in, headers of one call. What cannot be
//! sent is refused here, before any request is made.
//! Refuses: judging values that the server judges.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, header,
    uri::{self, PathAndQuery},
};
use serde_json::{Map, Value};
use url::form_urlencoded;
use uuid::Uuid;

use crate::{
    Error,
    config::{Config, call_header, duration_fault},
    operation::{Body, BodyKind, DefaultSource, Operation, Segment},
    policy,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
const REQUEST_ID_CHARS_MAX: usize = 128;
/// More than any server takes, and less than what `http` refuses to hold.
const TARGET_BYTES_MAX: usize = 60_000;

/// The arguments of one call.
pub(crate) struct Request {
    pub operation: &'static Operation,
    /// In the order of the path.
    pub path: Vec<String>,
    pub query: Map<String, Value>,
    pub body: Payload,
}

/// A body as it was given.
pub(crate) enum Payload {
    None,
    /// Ready JSON.
    Json(Vec<u8>),
    /// Fields that still have to be completed and written.
    Fields(Map<String, Value>),
}

/// What one call asks for beyond its arguments; `None` is the client's setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub timeout: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub headers: Vec<(String, String)>,
    pub idempotency_key: Option<String>,
    pub request_id: Option<String>,
}

/// A request that can be sent any number of times.
pub(crate) struct Prepared {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// Instead of the client's.
    pub connect_timeout: Option<Duration>,
}

impl Options {
    fn check(&self) -> Result<(), Error> {
        for (name, time) in [
            ("timeout", self.timeout),
            ("connect_timeout", self.connect_timeout),
        ] {
            if let Some(fault) = time.and_then(duration_fault) {
                return Err(Error::argument(name, fault));
            }
        }
        if self.retries.is_some_and(|n| n > policy::RETRIES_MAX) {
            let reason = format!("must be at most {}", policy::RETRIES_MAX);
            return Err(Error::argument("retries", &reason));
        }
        Ok(())
    }
}

impl Request {
    pub fn new(operation: &'static Operation) -> Self {
        Self {
            operation,
            path: Vec::new(),
            query: Map::new(),
            body: Payload::None,
        }
    }

    /// Everything that is the same on each try.
    pub fn prepare(&self, config: &Config, options: &Options) -> Result<Prepared, Error> {
        options.check()?;
        let mut headers = headers(self.operation, options)?;
        let (body, kind) = self.body(config)?;
        if body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(match kind {
                    BodyKind::Json => "application/json",
                    BodyKind::Form => "application/x-www-form-urlencoded",
                }),
            );
        }
        let method = Method::from_bytes(self.operation.method.as_bytes())
            .map_err(|e| Error::configuration(e.to_string()))?;
        Ok(Prepared {
            method,
            uri: self.uri(config)?,
            headers,
            body,
            connect_timeout: options.connect_timeout,
        })
    }

    fn uri(&self, config: &Config) -> Result<Uri, Error> {
        let mut text = String::with_capacity(128);
        text.push_str(config.root.path().trim_end_matches('/'));
        let mut given = self.path.iter();
        for segment in self.operation.segments {
            match segment {
                Segment::Text(literal) => text.push_str(literal),
                Segment::Param(name) => {
                    encode(name, given.next().map_or("", String::as_str), &mut text)?;
                }
            }
        }
        if !self.query.is_empty() {
            text.push('?');
            text.push_str(&form(&self.query));
        }
        if text.len() > TARGET_BYTES_MAX {
            return Err(Error::argument(self.longest(), "is too long for a URL"));
        }
        let failed = |e: http::Error| Error::configuration(format!("base_url: {e}"));
        let mut parts = uri::Parts::default();
        parts.scheme = config.root.scheme().cloned();
        parts.authority = config.root.authority().cloned();
        parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|e| failed(e.into()))?);
        Uri::from_parts(parts).map_err(|e| failed(e.into()))
    }

    /// The name of the longest argument among those that stand in the URL.
    fn longest(&self) -> &str {
        let names = self.operation.segments.iter().filter_map(|s| match s {
            Segment::Param(name) => Some(*name),
            Segment::Text(_) => None,
        });
        let path = names.zip(self.path.iter().map(String::len));
        let query = self.query.iter().map(|(name, value)| {
            let length = value
                .as_str()
                .map_or_else(|| value.to_string().len(), str::len);
            (name.as_str(), length)
        });
        path.chain(query)
            .max_by_key(|(_, length)| *length)
            .map_or("path", |(name, _)| name)
    }

    fn body(&self, config: &Config) -> Result<(Option<Bytes>, BodyKind), Error> {
        let Some(wanted) = &self.operation.body else {
            return Ok((None, BodyKind::Json));
        };
        let empty = Map::new();
        let fields = match &self.body {
            Payload::Json(ready) => return Ok((Some(Bytes::copy_from_slice(ready)), wanted.kind)),
            Payload::Fields(fields) => fields,
            Payload::None if wanted.required || !wanted.defaults.is_empty() => &empty,
            Payload::None => return Ok((None, wanted.kind)),
        };
        let fields = complete(wanted, fields, config);
        let bytes = match wanted.kind {
            BodyKind::Form => form(&fields).into_bytes(),
            BodyKind::Json => {
                serde_json::to_vec(&fields).map_err(|e| Error::argument("body", &e.to_string()))?
            }
        };
        Ok((Some(bytes.into()), wanted.kind))
    }
}

/// Fills in what the SDK knows and the caller left out.
fn complete(wanted: &Body, fields: &Map<String, Value>, config: &Config) -> Map<String, Value> {
    let mut fields = fields.clone();
    let id_field = wanted
        .defaults
        .iter()
        .find(|d| d.source == DefaultSource::ClientId);
    // Our secret belongs to our id: for another client's id it is not sent along.
    let foreign = id_field
        .and_then(|d| fields.get(d.field))
        .is_some_and(|id| !id.is_null() && id != &config.client_id.value);
    for default in wanted.defaults {
        if fields
            .get(default.field)
            .is_some_and(|value| !value.is_null())
        {
            continue;
        }
        let value = match default.source {
            DefaultSource::Value(value) => value,
            DefaultSource::ClientId => &config.client_id.value,
            DefaultSource::ClientSecret if foreign => continue,
            DefaultSource::ClientSecret => config.client_secret.value.expose_secret(),
        };
        fields.insert(default.field.to_owned(), Value::from(value));
    }
    fields
}

fn headers(operation: &Operation, options: &Options) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(8);
    for (name, value) in &options.headers {
        let (name, value) = call_header(name, value)?;
        headers.insert(name, value);
    }
    if operation.idempotency_key {
        // A caller who writes the header means a key: another one in its place would undo it.
        let written = headers.get(IDEMPOTENCY_KEY).map(HeaderValue::as_bytes);
        let written = written.map(String::from_utf8_lossy);
        let key = match (&options.idempotency_key, written) {
            (Some(key), _) => idempotency_key(key)?,
            (None, Some(key)) => idempotency_key(&key)?,
            (None, None) => ascii(&Uuid::new_v4().to_string())?,
        };
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    if let Some(id) = &options.request_id {
        headers.insert(REQUEST_ID, request_id(id)?);
    }
    Ok(headers)
}

fn idempotency_key(key: &str) -> Result<HeaderValue, Error> {
    if fits(key, IDEMPOTENCY_KEY_CHARS_MAX, |b| b.is_ascii_graphic()) {
        return ascii(key);
    }
    let reason = format!("must be 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters");
    Err(Error::argument("idempotencyKey", &reason))
}

/// Another than the server keeps would come back as one of its own, and find nothing in its logs.
fn request_id(id: &str) -> Result<HeaderValue, Error> {
    if fits(id, REQUEST_ID_CHARS_MAX, |b| {
        b.is_ascii_alphanumeric() || b"._-".contains(&b)
    }) {
        return ascii(id);
    }
    let reason = format!("must be 1 to {REQUEST_ID_CHARS_MAX} characters A-Za-z0-9._-");
    Err(Error::argument("requestId", &reason))
}

fn fits(value: &str, max: usize, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=max).contains(&value.len()) && value.bytes().all(allowed)
}

fn ascii(value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(value).map_err(|e| Error::configuration(e.to_string()))
}

/// One path segment; what would change the path's shape is refused or encoded.
fn encode(name: &str, value: &str, out: &mut String) -> Result<(), Error> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if value.is_empty() {
        return Err(Error::argument(name, "must not be empty"));
    }
    if matches!(value, "." | "..") {
        return Err(Error::argument(name, "is no id"));
    }
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    Ok(())
}

/// `application/x-www-form-urlencoded`; null is left out, a list repeats its name.
fn form(fields: &Map<String, Value>) -> String {
    fn add(out: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => {
                out.append_pair(name, text);
            }
            Value::Array(items) => items.iter().for_each(|item| add(out, name, item)),
            other => {
                out.append_pair(name, &other.to_string());
            }
        }
    }
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        add(&mut out, name, value);
    }
    out.finish()
}

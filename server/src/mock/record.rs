//! What was asked: the last requests, with everything masked that could let somebody in.

use std::collections::VecDeque;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

use crate::http::BODY_BYTES_MAX;

/// Requests that are remembered; older ones are forgotten.
const REQUESTS_MAX: usize = 1000;
const MASK: &str = "***";

/// The last requests, oldest first.
#[derive(Default)]
pub struct Record(VecDeque<Value>);

impl Record {
    /// One more.
    pub fn add(&mut self, request: Value) {
        if self.0.len() == REQUESTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// All of them.
    pub fn all(&self) -> Vec<Value> {
        self.0.iter().cloned().collect()
    }

    /// Forgets.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Reads the whole request, and gives it back with what is to be remembered of it.
pub async fn read(request: Request) -> Result<(Request, Value), Response> {
    let (parts, body) = request.into_parts();
    // A little more than the app takes, so that it is the app that says a body is too large.
    let limited = http_body_util::Limited::new(body, 2 * BODY_BYTES_MAX);
    let body = match limited.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
    };
    let path = parts
        .uri
        .path_and_query()
        .map_or(parts.uri.path(), |all| all.as_str());
    let seen = json!({
        "method": parts.method.as_str(),
        "path": path,
        "headers": headers(&parts.headers),
        "body": content(&parts.headers, &body),
    });
    Ok((Request::from_parts(parts, Body::from(body)), seen))
}

/// By lower-case name; several of one name are joined.
fn headers(headers: &HeaderMap) -> Value {
    let mut all = Map::new();
    for name in headers.keys() {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|v| String::from_utf8_lossy(v.as_bytes()))
            .collect();
        let text = values.join(", ");
        let shown = match name.as_str() {
            // The scheme says how the caller logs in, and that is worth a test.
            "authorization" | "proxy-authorization" => match text.split_once(' ') {
                Some((scheme, _)) => format!("{scheme} {MASK}"),
                None => MASK.to_owned(),
            },
            "cookie" => MASK.to_owned(),
            _ => text,
        };
        all.insert(name.as_str().to_owned(), shown.into());
    }
    Value::Object(all)
}

/// JSON and forms as an object, nothing as null, anything else as text.
fn content(headers: &HeaderMap, body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let kind = headers
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
        return masked(Value::Object(fields));
    }
    match serde_json::from_slice(body) {
        Ok(value) => masked(value),
        Err(_) => String::from_utf8_lossy(body).into_owned().into(),
    }
}

fn masked(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = if is_secret(&name) && value.is_string() {
                    MASK.into()
                } else {
                    masked(value)
                };
                (name, value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        other => other,
    }
}

/// By name, so that a field that does not exist yet is masked too. `token_type_hint` is no token.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let says = |word: &str| name.contains(word);
    (says("secret") || says("token") || says("password") || says("assertion")) && !says("type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_lets_somebody_in_is_remembered() {
        let mut given = HeaderMap::new();
        given.insert("authorization", "Bearer eyJ.x.y".parse().unwrap());
        given.insert("cookie", "session=1".parse().unwrap());
        given.insert("x-request-id", "r".parse().unwrap());
        given.insert(
            "content-type",
            "application/x-www-form-urlencoded".parse().unwrap(),
        );
        assert_eq!(
            headers(&given),
            json!({"authorization": "Bearer ***", "cookie": "***", "x-request-id": "r",
                   "content-type": "application/x-www-form-urlencoded"})
        );
        let form = Bytes::from_static(b"client_id=a&client_secret=b&token=c&token_type_hint=d");
        assert_eq!(
            content(&given, &form),
            json!({"client_id": "a", "client_secret": "***", "token": "***", "token_type_hint": "d"})
        );
        given.remove("content-type");
        let nested = Bytes::from_static(br#"{"a":[{"clientSecret":"b","note":"c"}]}"#);
        assert_eq!(
            content(&given, &nested),
            json!({"a": [{"clientSecret": "***", "note": "c"}]})
        );
    }

    #[test]
    fn only_the_last_ones_are_remembered() {
        let mut record = Record::default();
        for n in 0..=REQUESTS_MAX {
            record.add(n.into());
        }
        let all = record.all();
        assert_eq!((all.len(), &all[0]), (REQUESTS_MAX, &Value::from(1)));
    }
}

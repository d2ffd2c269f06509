//! HTTP/1.1 by hand: requests read, answers written, whole, cut or garbled.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{case::Answer, line::Stream};

/// `None` when the connection must not be used any further.
pub async fn write_answer(stream: &mut dyn Stream, answer: &Answer) -> Option<()> {
    if answer.garbage {
        stream
            .write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            .await
            .ok()?;
        return None;
    }
    let body = body(answer)?;
    let mut head = format!(
        "HTTP/1.1 {} Scripted\r\ncontent-length: {}\r\n",
        answer.status.unwrap_or(200),
        body.len()
    );
    let has = |name: &str| answer.headers.keys().any(|k| k.eq_ignore_ascii_case(name));
    if !body.is_empty() && !has("content-type") {
        head.push_str("content-type: application/json\r\n");
    }
    if answer.gzip {
        head.push_str("content-encoding: gzip\r\n");
    }
    if !has("x-request-id") {
        head.push_str("x-request-id: scripted\r\n");
    }
    for (name, value) in &answer.headers {
        let value = match value.strip_prefix("$dateIn:") {
            Some(seconds) => date_in(seconds.parse().ok()?)?,
            None => value.clone(),
        };
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let sent = answer.cut.unwrap_or(body.len()).min(body.len());
    stream.write_all(&body[..sent]).await.ok()?;
    stream.flush().await.ok()?;
    (answer.cut.is_none() || answer.stall).then_some(())
}

fn body(answer: &Answer) -> Option<Vec<u8>> {
    let text = match (&answer.json, &answer.text) {
        (Some(json), _) => {
            let mut json = json.clone();
            if let (Some(size), Some(map)) = (answer.padding, json.as_object_mut()) {
                map.insert("padding".into(), "x".repeat(size).into());
            }
            json.to_string()
        }
        (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    if !answer.gzip {
        return Some(text.into_bytes());
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).ok()?;
    packer.finish().ok()
}

/// A date as HTTP writes it (RFC 9110 section 5.6.7).
fn date_in(seconds: i64) -> Option<String> {
    let at = OffsetDateTime::now_utc() + Duration::seconds(seconds);
    Some(at.format(&Rfc2822).ok()?.replace("+0000", "GMT"))
}

/// One request as `{method, path, query, headers, body}`; form bodies become objects. One that a proxy is
/// to pass on also has `origin`, the server that it is for.
pub async fn read_request(stream: &mut dyn Stream, buffer: &mut Vec<u8>) -> Option<Value> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        buffer.extend_from_slice(&chunk[..n]);
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Map<String, Value> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(k, v)| (k.trim().to_lowercase(), v.trim().into()))
        .collect();
    let length = headers
        .get("content-length")
        .and_then(|v| v.as_str()?.parse::<usize>().ok())
        .unwrap_or(0);
    let total = end + 4 + length;
    while buffer.len() < total {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        buffer.extend_from_slice(&chunk[..n]);
    }
    let body = buffer[end + 4..total].to_vec();
    buffer.drain(..total);
    let (origin, target) = origin(&method, &target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let content_type = headers
        .get("content-type")
        .and_then(Value::as_str)
        .unwrap_or("");
    let body = if content_type.starts_with("application/x-www-form-urlencoded") {
        form(&String::from_utf8_lossy(&body))
    } else if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into())
    };
    let mut request = json!({"method": method, "path": path, "query": form(query), "headers": headers, "body": body});
    if let Some(origin) = origin {
        request["origin"] = origin.into();
    }
    Some(request)
}

/// Takes a target apart that is meant for a proxy (RFC 9112 sections 3.2.2 and 3.2.3).
fn origin<'a>(method: &str, target: &'a str) -> (Option<&'a str>, &'a str) {
    if method == "CONNECT" {
        return (Some(target), "");
    }
    let Some(authority) = target.find("://").map(|at| at + 3) else {
        return (None, target);
    };
    let end = target[authority..]
        .find('/')
        .map_or(target.len(), |at| authority + at);
    (Some(&target[..end]), &target[end..])
}

pub fn form(text: &str) -> Value {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), Value::String(decode(value)))
        })
        .collect::<Map<_, _>>()
        .into()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes
            .get(i + 1..i + 3)
            .and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                i += 1;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

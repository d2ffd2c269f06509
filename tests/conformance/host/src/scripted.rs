//! A server that says exactly what a case says, misbehaviour included. It speaks HTTP/1.1 by
//! hand, because a library would not let it cut, garble or withhold an answer.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Mutex, watch},
};

use crate::case::{Answer, Result};

/// Seconds that a good token of the scripted server lives.
const TOKEN_LIFE_SECONDS: u64 = 3600;

/// A running scripted server; it ends when dropped.
pub struct Scripted {
    /// `http://127.0.0.1:<port>`.
    pub base_url: String,
    state: Arc<State>,
    accept: tokio::task::JoinHandle<()>,
}

struct State {
    answers: Mutex<VecDeque<Answer>>,
    tokens: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Value>>,
    token_requests: Mutex<usize>,
    progress: watch::Sender<Progress>,
}

/// What has happened so far, for those who wait for it.
#[derive(Clone, Copy, Default)]
struct Progress {
    read: usize,
    closed_while_hanging: usize,
}

impl Scripted {
    /// Starts one on a free port.
    pub async fn start(answers: &[Answer], tokens: &[Answer]) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        let state = Arc::new(State {
            answers: Mutex::new(repeated(answers)),
            tokens: Mutex::new(repeated(tokens)),
            seen: Mutex::default(),
            token_requests: Mutex::default(),
            progress: watch::channel(Progress::default()).0,
        });
        let accepted = state.clone();
        let accept = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, accepted.clone()));
            }
        });
        Ok(Self {
            base_url: format!("http://127.0.0.1:{port}"),
            state,
            accept,
        })
    }

    /// Every request so far, token requests apart.
    pub async fn requests(&self) -> Vec<Value> {
        self.state.seen.lock().await.clone()
    }

    /// How many token requests there were.
    pub async fn token_requests(&self) -> usize {
        *self.state.token_requests.lock().await
    }

    /// How many requests were read so far.
    pub fn read(&self) -> usize {
        self.state.progress.borrow().read
    }

    /// Waits until more than `before` requests were read.
    pub async fn wait_read(&self, before: usize) {
        let mut progress = self.state.progress.subscribe();
        let _ = progress.wait_for(|p| p.read > before).await;
    }

    /// Waits until a client closed the connection of a request that was never answered.
    pub async fn wait_closed(&self) {
        let mut progress = self.state.progress.subscribe();
        let _ = progress.wait_for(|p| p.closed_while_hanging > 0).await;
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

fn repeated(answers: &[Answer]) -> VecDeque<Answer> {
    answers
        .iter()
        .flat_map(|a| std::iter::repeat_n(a.clone(), a.repeat.unwrap_or(1)))
        .collect()
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let path = request["path"].as_str().unwrap_or_default().to_owned();
        let is_token = path == "/api/v1/token" || path == "/oauth2/token";
        let scripted = if is_token {
            *state.token_requests.lock().await += 1;
            state.tokens.lock().await.pop_front()
        } else {
            state.seen.lock().await.push(request);
            state.answers.lock().await.pop_front()
        };
        let count = *state.token_requests.lock().await;
        state
            .progress
            .send_modify(|p| p.read += usize::from(!is_token));
        let answer = match scripted {
            Some(answer) => answer,
            None if is_token => good_token(count),
            None => Answer {
                status: Some(599),
                json: Some(
                    json!({"code": "SCRIPT_ENDED", "message": "the case has no answer for this request"}),
                ),
                ..Answer::default()
            },
        };
        if let Some(ms) = answer.hold_ms {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
        if answer.hang {
            // Reading ends when the client gives up.
            let mut byte = [0];
            while matches!(stream.read(&mut byte).await, Ok(n) if n > 0) {}
            state.progress.send_modify(|p| p.closed_while_hanging += 1);
            return;
        }
        if answer.close || write_answer(&mut stream, &answer).await.is_none() {
            return;
        }
    }
}

fn good_token(count: usize) -> Answer {
    Answer {
        json: Some(json!({
            "access_token": format!("scripted-token-{count}"),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_SECONDS,
            "scope": "agents:read agents:write tokens:read audit:read",
        })),
        ..Answer::default()
    }
}

/// `None` when the connection must not be used any further.
async fn write_answer(stream: &mut TcpStream, answer: &Answer) -> Option<()> {
    if answer.garbage {
        stream
            .write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            .await
            .ok()?;
        return None;
    }
    let body = match (&answer.json, &answer.text) {
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
    let mut head = format!(
        "HTTP/1.1 {} Scripted\r\ncontent-length: {}\r\n",
        answer.status.unwrap_or(200),
        body.len()
    );
    let has = |name: &str| answer.headers.keys().any(|k| k.eq_ignore_ascii_case(name));
    if !body.is_empty() && !has("content-type") {
        head.push_str("content-type: application/json\r\n");
    }
    if !has("x-request-id") {
        head.push_str("x-request-id: scripted\r\n");
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let sent = answer.cut.unwrap_or(body.len()).min(body.len());
    stream.write_all(&body.as_bytes()[..sent]).await.ok()?;
    stream.flush().await.ok()?;
    answer.cut.is_none().then_some(())
}

/// One request as `{method, path, query, headers, body}`; form bodies become objects.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Value> {
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
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
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
    Some(
        json!({"method": method, "path": path, "query": form(query), "headers": headers, "body": body}),
    )
}

fn form(text: &str) -> Value {
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

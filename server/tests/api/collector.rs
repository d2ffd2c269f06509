//! A collector of traces (OTLP over HTTP, protobuf), and the spans that it was sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};

type Received = Arc<Mutex<Vec<u8>>>;

/// A running one.
pub struct Collector {
    pub endpoint: String,
    received: Received,
}

/// A span as it was sent.
#[derive(Clone, Debug, Default)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub name: String,
    /// Texts as they are, numbers in digits.
    pub attributes: BTreeMap<String, String>,
    /// `2` says that it failed.
    pub status: u64,
}

impl Collector {
    pub async fn start() -> Self {
        let received = Received::default();
        let take = |State(received): State<Received>, body: Bytes| async move {
            received.lock().unwrap().extend_from_slice(&body);
        };
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&received));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, received }
    }

    /// Every byte so far. Messages behind one another are one message: all their fields are lists.
    pub fn bytes(&self) -> Vec<u8> {
        self.received.lock().unwrap().clone()
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        let all = self.bytes();
        let of = |message: &[u8], tag| -> Vec<Vec<u8>> {
            fields(message)
                .into_iter()
                .filter(|(number, _)| *number == tag)
                .map(|(_, value)| value.to_vec())
                .collect()
        };
        let resources = of(&all, 1);
        let scopes = resources.iter().flat_map(|resource| of(resource, 2));
        let spans = scopes.flat_map(|scope| of(&scope, 2));
        spans.map(|span| read(&span)).collect()
    }
}

/// A message of `opentelemetry.proto.trace.v1.Span`.
fn read(message: &[u8]) -> Span {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut span = Span::default();
    for (number, value) in fields(message) {
        match number {
            1 => span.trace = hex(value),
            2 => span.id = hex(value),
            4 => span.parent = hex(value),
            5 => span.name = text(value),
            9 => {
                let pair = fields(value);
                let of = |tag| pair.iter().find(|(number, _)| *number == tag).unwrap().1;
                let [(kind, value)] = fields(of(2))[..] else {
                    panic!("an attribute of one value")
                };
                let value = match kind {
                    1 => text(value),
                    _ => varint(value).0.to_string(),
                };
                span.attributes.insert(text(of(1)), value);
            }
            15 => {
                let code = fields(value).into_iter().find(|(number, _)| *number == 3);
                span.status = code.map_or(0, |(_, code)| varint(code).0);
            }
            _ => {}
        }
    }
    span
}

/// The fields of a protobuf message: numbers, and what stands there.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut all = Vec::new();
    while !message.is_empty() {
        let (key, length) = varint(message);
        message = &message[length..];
        let (skip, length) = match key & 7 {
            0 => (0, varint(message).1),
            1 => (0, 8),
            2 => {
                let (length, skip) = varint(message);
                (skip, usize::try_from(length).unwrap())
            }
            5 => (0, 4),
            kind => panic!("wire type {kind}"),
        };
        all.push((key >> 3, &message[skip..skip + length]));
        message = &message[skip + length..];
    }
    all
}

/// A number, and how many bytes it takes.
fn varint(bytes: &[u8]) -> (u64, usize) {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (number, at + 1);
        }
    }
    panic!("a number without an end")
}

//! An issuer on loopback: discovery, keys, counts of what was asked, and a switch to break it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{Result, mint::Key};

/// An issuer with a key of each algorithm.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    url: String,
    keys: [Key; 3],
    broken: AtomicBool,
    key_fetches: AtomicUsize,
}

impl Issuer {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .map_err(|e| format!("no port for the issuer: {e}"))?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let issuer = Self(Arc::new(Inner {
            url: format!("http://{address}"),
            keys: [
                Key::rsa("rsa-1")?,
                Key::p256("p256-1")?,
                Key::ed25519("ed-1")?,
            ],
            broken: AtomicBool::new(false),
            key_fetches: AtomicUsize::new(0),
        }));
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(issuer)
    }

    /// Its `iss`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// RSA, P-256 and Ed25519.
    pub fn keys(&self) -> &[Key; 3] {
        &self.0.keys
    }

    /// From now on every answer is 500 (or is right again).
    pub fn set_broken(&self, broken: bool) {
        self.0.broken.store(broken, Ordering::SeqCst);
    }

    /// How often its keys were asked for.
    pub fn key_fetches(&self) -> usize {
        self.0.key_fetches.load(Ordering::SeqCst)
    }

    fn answer(&self, body: Value) -> Response {
        if self.0.broken.load(Ordering::SeqCst) {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        } else {
            Json(body).into_response()
        }
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Response {
    let url = issuer.url();
    issuer.answer(json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
}

async fn keys(State(issuer): State<Issuer>) -> Response {
    issuer.0.key_fetches.fetch_add(1, Ordering::SeqCst);
    let keys: Vec<Value> = issuer.keys().iter().map(Key::jwk).collect();
    issuer.answer(json!({ "keys": keys }))
}

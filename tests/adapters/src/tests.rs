//! The judge must be able to say no.

use axum::{Json, Router, routing::get};
use reqwest::Client;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{checks::Judge, issuer::Issuer, tokens::SUBJECT};

/// A "resource server" that looks at no token at all.
async fn credulous() -> String {
    let reports = get(|| async { Json(json!({"subject": SUBJECT})) });
    let app = Router::new()
        .route("/reports", reports)
        .route("/open", get(|| async {}));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_server_that_lets_everybody_in_fails() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let issuer = Issuer::start().await.expect("an issuer");
    let (http, url) = (Client::new(), credulous().await);
    let judge = Judge {
        http: &http,
        url: &url,
        issuer: &issuer,
        own_bodies: false,
    };
    let outcomes = judge.all().await;
    let passed: Vec<&str> = outcomes
        .iter()
        .filter(|o| o.result.is_ok())
        .map(|o| o.name.as_str())
        .collect();
    assert_eq!(
        passed,
        [
            "public route needs no token",
            "scheme in lower case",
            "good RS256",
            "good ES256",
            "good EdDSA",
            "audience among others",
            "type written in full",
            "expired within the leeway",
            "issuer away, key known",
        ]
    );
    assert!(judge.without_keys().await.is_err());
}

//! A resource server: `/reports` needs an access token with the scope `agents:read`.

use std::{env, io};

use axum::{Extension, Json, Router, routing::get};
use sentryagent_idp::{TokenVerifier, VerifiedToken, adapter::VerifyTokenLayer};
use serde_json::{Value, json};
use tokio::{net::TcpListener, signal::unix};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = TokenVerifier::builder(env::var("ISSUER")?, env::var("AUDIENCE")?).build()?;
    let protected = VerifyTokenLayer::new(verifier).required_scopes(["agents:read"]);
    let app = Router::new()
        .route("/reports", get(reports))
        .layer(protected)
        .route("/open", get(|| async { Json(json!({"open": true})) }));

    let port = env::var("PORT").unwrap_or_else(|_| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(terminated()?)
        .await?;
    Ok(())
}

async fn reports(Extension(token): Extension<VerifiedToken>) -> Json<Value> {
    Json(json!({"subject": token.subject}))
}

fn terminated() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signal = unix::signal(unix::SignalKind::terminate())?;
    Ok(async move {
        signal.recv().await;
    })
}

//! Starting with Vault: the encryption key, and what health says.

use std::sync::Arc;

use agentidp_server::{
    app::StartError,
    clock::SystemClock,
    config::{Config, Source},
    serve::Server,
};
use serde_json::json;

use super::{
    Place,
    stand_in::{Mood, StandIn, TOKEN},
};
use crate::harness;

const KEY: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";

/// What a server with these variables says instead of starting.
async fn refusal(variables: &[(&str, &str)]) -> StartError {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let mut source = Source::of(&[("PORT", "0"), ("AGENTIDP_DATA_DIR", &data)]);
    for (name, value) in variables {
        source.set(name, *value);
    }
    let config = match Config::load(&source) {
        Ok(config) => config,
        Err(error) => return error.into(),
    };
    match Server::start(config, Arc::new(SystemClock)).await {
        Err(error) => error,
        Ok(_) => panic!("it started"),
    }
}

#[tokio::test]
async fn the_encryption_key_is_read_from_vault_at_the_start() {
    for place in Place::all().await {
        let path = place.path("data/agentidp/encryption-key");
        let entry = json!({ "data": { "encryptionKey": KEY } });
        assert_eq!(place.call("POST", &path, Some(entry)).await.0, 200);
        let variables = [
            ("ENCRYPTION_KEY", ""),
            ("ENCRYPTION_KEY_VAULT_PATH", path.as_str()),
            ("VAULT_ADDR", &place.settings.address),
            ("VAULT_TOKEN", place.settings.token.expose()),
            ("VAULT_MOUNT", &place.settings.mount),
            ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ];
        let running = harness::start_with(&variables).await;
        let admin = running.admin.clone();
        assert!(!running.folder.path().join("encryption.key").exists());
        let folder = running.stop().await;

        // The same key from elsewhere reads what was encrypted.
        let elsewhere = [
            ("ENCRYPTION_KEY", KEY),
            ("VAULT_ADDR", &place.settings.address),
            ("VAULT_TOKEN", place.settings.token.expose()),
            ("VAULT_MOUNT", &place.settings.mount),
            ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ];
        let running = harness::start_in(folder, &elsewhere, Arc::new(SystemClock)).await;
        running.token(&admin, "agents:read").await;
        running.stop().await;
    }
}

#[tokio::test]
async fn an_encryption_key_that_cannot_be_read_is_one_sentence() {
    for place in Place::all().await {
        let path = place.path("data/agentidp/encryption-key");
        let with = |token: &str| {
            let (path, token) = (path.clone(), token.to_owned());
            let address = place.settings.address.clone();
            async move {
                refusal(&[
                    ("ENCRYPTION_KEY_VAULT_PATH", &path),
                    ("VAULT_ADDR", &address),
                    ("VAULT_TOKEN", &token),
                ])
                .await
            }
        };
        let right = place.settings.token.expose();
        let mut said = vec![(with(right).await, "has nothing at")];
        for (entry, words) in [
            (json!({ "key": KEY }), "no text field encryptionKey"),
            (json!({ "encryptionKey": 7 }), "no text field encryptionKey"),
            (json!({ "encryptionKey": "hunter2" }), "64 hexadecimal"),
        ] {
            let body = json!({ "data": entry });
            assert_eq!(place.call("POST", &path, Some(body)).await.0, 200);
            said.push((with(right).await, words));
        }
        for (error, words) in said {
            let text = error.to_string();
            assert!(matches!(error, StartError::Config(_)), "{text}");
            assert!(text.starts_with("ENCRYPTION_KEY_VAULT_PATH: "), "{text}");
            assert!(text.contains(words) && !text.contains("hunter2"), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
        let denied = with("hvs.hunter3").await.to_string();
        assert!(denied.starts_with("VAULT_TOKEN: "), "{denied}");
        assert!(!denied.contains("hunter3"), "{denied}");
    }
}

#[tokio::test]
async fn a_sealed_vault_is_no_fault_of_the_configuration() {
    let vault = StandIn::start().await;
    vault.set(Mood::Sealed);
    let error = refusal(&[
        (
            "ENCRYPTION_KEY_VAULT_PATH",
            "secret/data/agentidp/encryption-key",
        ),
        ("VAULT_ADDR", &vault.address),
        ("VAULT_TOKEN", TOKEN),
    ])
    .await;
    assert!(matches!(error, StartError::Failed(_)), "{error}");
    assert!(error.to_string().contains("sealed"), "{error}");
}

#[tokio::test]
async fn health_says_how_vault_does() {
    let vault = StandIn::start().await;
    let variables = [
        ("VAULT_ADDR", vault.address.as_str()),
        ("VAULT_TOKEN", TOKEN),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ];
    let running = harness::start_with(&variables).await;
    let detailed = async || {
        let request = running.request("GET", "/health/detailed");
        let answer = running.send(request).await;
        (
            answer.status,
            answer.member("services")["vault"]["status"].clone(),
        )
    };
    assert_eq!(detailed().await, (200, json!("healthy")));
    vault.set(Mood::Sealed);
    assert_eq!(detailed().await, (207, json!("unreachable")));
    vault.set(Mood::Hanging);
    assert_eq!(detailed().await, (207, json!("unreachable")));
    let plain = running.send(running.request("GET", "/health")).await;
    assert_eq!(plain.status, 200);
    vault.set(Mood::Serving);
    assert_eq!(detailed().await, (200, json!("healthy")));
    running.stop().await;
}

//! Secrets in Vault. What is said of KV version 2 itself runs against the stand-in and, when
//! `AGENTIDP_TEST_VAULT_ADDR` and `AGENTIDP_TEST_VAULT_TOKEN` name a real Vault or OpenBao, against that
//! too; faults are the stand-in's alone.

mod client;
mod faults;
mod killed;
mod own_token;
mod secrets;
pub mod stand_in;
mod start;
mod tls;
mod token;

use agentidp_server::{config, wire::Secret};
use stand_in::StandIn;
use uuid::Uuid;

/// A Vault with a mount of its own.
pub struct Place {
    pub settings: config::Vault,
    http: reqwest::Client,
    /// Held while it is needed.
    _stand_in: Option<StandIn>,
}

impl Place {
    /// The stand-in, and the real one when there is one.
    pub async fn all() -> Vec<Self> {
        let stand_in = StandIn::start().await;
        let address = stand_in.address.clone();
        let mut places = vec![Self::at(&address, stand_in::TOKEN, Some(stand_in)).await];
        let named = |name: &str| std::env::var(name).ok();
        if let Some(address) = named("AGENTIDP_TEST_VAULT_ADDR") {
            let token = named("AGENTIDP_TEST_VAULT_TOKEN").unwrap();
            places.push(Self::at(&address, &token, None).await);
        }
        places
    }

    async fn at(address: &str, token: &str, stand_in: Option<StandIn>) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let place = Self {
            settings: config::Vault {
                address: address.to_owned(),
                token: Secret::new(token),
                mount: format!("kv-{}", Uuid::now_v7().simple()),
                encryption_key_path: None,
            },
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _stand_in: stand_in,
        };
        let mount = format!("sys/mounts/{}", place.settings.mount);
        let kind = serde_json::json!({ "type": "kv", "options": { "version": "2" } });
        assert_eq!(place.call("POST", &mount, Some(kind)).await.0, 204);
        // A real one prepares a fresh mount for a moment.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let config = place.path("config");
        while place.call("GET", &config, None).await.0 != 200 {
            assert!(
                std::time::Instant::now() < deadline,
                "the mount is not ready"
            );
            tokio::task::yield_now().await;
        }
        place
    }

    /// Of this place's mount.
    pub fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.settings.mount)
    }

    /// A call as the operator makes it.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> (u16, serde_json::Value) {
        let url = format!("{}/v1/{path}", self.settings.address);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, url);
        request = request.header("x-vault-token", self.settings.token.expose());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&text).unwrap_or_default())
    }
}

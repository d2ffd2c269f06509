//! What the stand-in's token may ask about itself: `lookup-self` and `renew-self`, in the shapes of a real
//! Vault.

use std::{sync::Arc, time::Duration};

use agentidp_server::clock::{Clock, Timestamp};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::stand_in::{Answer, TOKEN, found, refused};

pub const PREFIX: &str = "auth/token/";

/// A token: by default one that never ends, as a root token.
#[derive(Default)]
pub struct OwnToken(Option<Life>);

struct Life {
    clock: Arc<dyn Clock>,
    begins: Timestamp,
    ends: Timestamp,
    ttl: Duration,
    life_max: Option<Duration>,
    renewable: bool,
}

impl OwnToken {
    /// One that lives for `ttl` from now, and by renewals for `life_max` at most, if there is one.
    pub fn living(
        clock: Arc<dyn Clock>,
        ttl: Duration,
        life_max: Option<Duration>,
        renewable: bool,
    ) -> Self {
        let begins = clock.now();
        let ends = begins.plus(ttl);
        Self(Some(Life {
            clock,
            begins,
            ends,
            ttl,
            life_max,
            renewable,
        }))
    }

    pub fn is_over(&self) -> bool {
        let life = self.0.as_ref();
        life.is_some_and(|life| life.ends <= life.clock.now())
    }

    pub fn answer(&mut self, method: &Method, verb: &str) -> Answer {
        match (method.as_str(), verb) {
            ("GET", "lookup-self") => found(StatusCode::OK, self.facts()),
            ("POST" | "PUT", "renew-self") => self.renew(),
            _ => refused("unsupported path"),
        }
    }

    fn facts(&self) -> Value {
        let life = self.0.as_ref();
        let seconds = |of: fn(&Life) -> Duration| life.map_or(0, |life| of(life).as_secs());
        json!({
            "accessor": "mF8Yd3gqLrXo1VZ1P1rZ6Zy2", "creation_time": life.map_or(0, |life| life.begins.seconds()),
            "creation_ttl": seconds(|life| life.ttl), "display_name": "token", "entity_id": "",
            "expire_time": life.map(|life| life.ends.to_string()),
            "explicit_max_ttl": seconds(|life| life.life_max.unwrap_or_default()), "id": TOKEN,
            "issue_time": life.map(|life| life.begins.to_string()), "meta": null, "num_uses": 0, "orphan": true,
            "path": "auth/token/create", "policies": ["agentidp", "default"],
            "renewable": life.is_some_and(|life| life.renewable), "ttl": seconds(Life::left), "type": "service",
        })
    }

    fn renew(&mut self) -> Answer {
        let Some(life) = self.0.as_mut().filter(|life| life.renewable) else {
            return refused("lease is not renewable");
        };
        let wanted = life.clock.now().plus(life.ttl);
        let last = life.life_max.map(|max| life.begins.plus(max));
        life.ends = last.map_or(wanted, |last| last.min(wanted));
        let (status, mut body) = found(StatusCode::OK, Value::Null);
        body["auth"] = json!({
            "client_token": TOKEN, "accessor": "mF8Yd3gqLrXo1VZ1P1rZ6Zy2", "policies": ["agentidp", "default"],
            "token_policies": ["agentidp", "default"], "metadata": null, "lease_duration": life.left().as_secs(),
            "renewable": true, "entity_id": "", "token_type": "service", "orphan": true,
            "mfa_requirement": null, "num_uses": 0,
        });
        (status, body)
    }
}

impl Life {
    fn left(&self) -> Duration {
        let left = self.ends.ms() - self.clock.now().ms();
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }
}

impl std::fmt::Debug for OwnToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnToken").field(&self.0.is_some()).finish()
    }
}

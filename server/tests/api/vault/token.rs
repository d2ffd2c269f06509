//! The life of the server's own token.

use std::{sync::Arc, time::Duration};

use agentidp_server::{
    clock::{Clock, ManualClock, SystemClock},
    config,
    vault::{Client, Renewal, VaultError},
    wire::Secret,
};

use super::{
    own_token::OwnToken,
    stand_in::{Mood, StandIn, TOKEN},
};
use crate::{harness, process::Process};

const LOOKUP: &str = "GET auth/token/lookup-self";
const RENEW: &str = "POST auth/token/renew-self";
const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// A stand-in whose token lives on the same clock as what looks after it.
struct World {
    vault: StandIn,
    clock: Arc<ManualClock>,
    client: Arc<Client>,
    renewal: Renewal,
}

impl World {
    async fn new(ttl: Duration, life_max: Option<Duration>, renewable: bool) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let vault = StandIn::start().await;
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        vault.let_token_be(OwnToken::living(clock.clone(), ttl, life_max, renewable));
        let settings = config::Vault {
            address: vault.address.clone(),
            token: Secret::new(TOKEN),
            mount: "secret".to_owned(),
            encryption_key_path: None,
        };
        let client = Arc::new(Client::new(&settings).unwrap());
        Self {
            renewal: Renewal::new(client.clone(), clock.clone()),
            vault,
            clock,
            client,
        }
    }

    /// What is asked when that much time has passed.
    async fn after(&mut self, time: Duration) -> Vec<String> {
        let before = self.vault.token_calls().len();
        self.clock.advance(time);
        self.renewal.look().await;
        self.vault.token_calls()[before..].to_vec()
    }

    async fn works(&self) -> bool {
        match self.client.read("secret/data/x").await {
            Ok(_) => true,
            Err(VaultError::Denied(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_token_is_renewed_when_two_thirds_of_its_life_are_over() {
    let mut world = World::new(HOUR * 3, None, true).await;
    assert_eq!(world.after(Duration::ZERO).await, [LOOKUP]);
    for _ in 0..10 {
        assert!(world.after(HOUR * 2 - SECOND).await.is_empty());
        assert_eq!(world.after(SECOND).await, [RENEW]);
        assert!(world.works().await);
    }
    // A clock that was put back says nothing about how long the token lives.
    world.clock.set(world.clock.now().minus(HOUR * 24));
    assert_eq!(world.after(Duration::ZERO).await, [RENEW]);
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_and_again_and_no_request_waits_for_it() {
    let mut world = World::new(HOUR * 3, None, true).await;
    world.after(Duration::ZERO).await;
    world.vault.set(Mood::Sealed);
    assert_eq!(world.after(HOUR * 2).await, [RENEW]);
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        let almost = Duration::from_millis(pause * 1000 - 1);
        assert!(world.after(almost).await.is_empty(), "{pause}");
        assert_eq!(
            world.after(Duration::from_millis(1)).await,
            [RENEW],
            "{pause}"
        );
    }
    world.vault.set(Mood::Serving);
    assert_eq!(world.after(SECOND * 60).await, [RENEW]);
    assert!(world.after(HOUR * 2 - SECOND).await.is_empty());
    assert_eq!(world.after(SECOND).await, [RENEW]);
    // One without an answer does not let the requests rest, as one of theirs would.
    world.vault.set(Mood::Hanging);
    assert_eq!(world.after(HOUR * 2).await, [RENEW]);
    world.vault.set(Mood::Serving);
    assert!(world.works().await);
}

#[tokio::test]
async fn what_cannot_be_renewed_is_left_alone() {
    let mut fixed = World::new(HOUR * 9, None, false).await;
    assert_eq!(fixed.after(Duration::ZERO).await, [LOOKUP]);
    for passed in [6, 2] {
        assert_eq!(fixed.after(HOUR * passed).await, [LOOKUP]);
    }
    assert_eq!(fixed.after(HOUR).await, [LOOKUP]);
    assert!(!fixed.works().await);

    // It became such a one.
    let mut changed = World::new(HOUR, None, true).await;
    changed.after(Duration::ZERO).await;
    let token = OwnToken::living(changed.clock.clone(), HOUR, None, false);
    changed.vault.let_token_be(token);
    assert_eq!(changed.after(SECOND * 2400).await, [RENEW]);
    assert_eq!(changed.after(SECOND).await, [LOOKUP]);

    let mut endless = World::new(HOUR, None, true).await;
    endless.vault.let_token_be(OwnToken::default());
    assert_eq!(endless.after(Duration::ZERO).await, [LOOKUP]);
    assert!(endless.after(HOUR * 23).await.is_empty());
}

#[tokio::test]
async fn renewals_end_with_the_maximum_life() {
    let mut world = World::new(HOUR, Some(HOUR * 2), true).await;
    world.after(Duration::ZERO).await;
    let mut renewed = 0;
    while world.works().await {
        renewed += world.after(SECOND * 20).await.len();
    }
    // At 40 min for an hour, at 80 min for the 40 that are left, and so on.
    assert!((4..20).contains(&renewed), "{renewed}");
    assert!(world.after(HOUR).await.contains(&RENEW.to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_looks_after_its_token_and_never_says_it() {
    let world = World::new(HOUR * 3, None, true).await;
    let variables = [
        ("VAULT_ADDR", world.vault.address.as_str()),
        ("VAULT_TOKEN", TOKEN),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let running = harness::start_in(folder, &variables, world.clock.clone()).await;
    let until = async |call: &str| {
        let began = std::time::Instant::now();
        while !world.vault.token_calls().iter().any(|made| made == call) {
            assert!(began.elapsed() < SECOND * 60, "no {call}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until(LOOKUP).await;
    world.clock.advance(HOUR * 2);
    until(RENEW).await;
    running.stop().await;

    // The real program says that a token ends, and nothing else of it.
    world
        .vault
        .let_token_be(OwnToken::living(world.clock.clone(), HOUR, None, false));
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::start(
        data.path(),
        &[&variables[..], &[("RUST_LOG", "debug")]].concat(),
    );
    let line = process.has_said("VAULT_TOKEN ends");
    assert_eq!(
        (&line["level"], &line["why"]),
        (&"WARN".into(), &"it cannot be renewed".into())
    );
    let (said, _) = process.stop();
    assert!(!said.contains(TOKEN), "{said}");
}

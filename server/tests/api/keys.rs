//! Rotating and revoking signing keys while servers run, on one of them or beside them.

use std::{process::Command, sync::Arc, time::Instant};

use agentidp_server::{
    clock::{Clock, SystemClock},
    config::{Config, Source},
    keys::{KeySettings, Rotated, Steward},
    secrets::{Secrets, SystemRandom},
    storage::{self, KeyState},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    harness::{self, Harness},
    instances::{Fleet, KNOWN_WITHIN, is_refused_in_time},
    process::Process,
    secrets::refused,
};

/// `agentidp keys …` as an operator runs it. Answers what it printed.
fn keys(fleet: &Fleet, words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_agentidp"))
        .arg("keys")
        .args(words)
        .current_dir(folder.path())
        .env_clear()
        .envs(fleet.variables())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn kid_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(instance: &Harness) -> Vec<String> {
    let request = instance.request("GET", "/.well-known/jwks.json");
    let answer = instance.send(request).await;
    let keys = answer.member("keys").as_array().unwrap().clone();
    let kids = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned());
    kids.collect()
}

/// Asks until an instance publishes what it should; it has a second.
async fn publishes(instance: &Harness, expected: impl Fn(&[String]) -> bool, since: Instant) {
    loop {
        let asked = Instant::now();
        let kids = published(instance).await;
        if expected(&kids) {
            return;
        }
        assert!(asked.duration_since(since) < KNOWN_WITHIN, "{kids:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_everywhere_within_a_second_and_another_signs() {
    let fleet = Fleet::new().await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let token = one.admin_token().await;
    let kid = kid_of(&token);
    let listed = keys(&fleet, &["list"]);
    assert!(
        listed.contains(&format!("{kid}  RS256  active ")),
        "{listed}"
    );

    let said = keys(&fleet, &["revoke", &kid]);
    let ended = Instant::now();
    assert!(said.starts_with(&format!("{kid} is revoked")), "{said}");
    for instance in [&one, &two] {
        is_refused_in_time(instance, &token, ended).await;
        publishes(instance, |kids| !kids.contains(&kid), ended).await;
    }
    // Nobody has to log in anew: the same credential gets tokens of the other key, which hold everywhere.
    let token = two.admin_token().await;
    assert_ne!(kid_of(&token), kid);
    assert_eq!(one.get("/api/v1/agents", &token).await.status, 200);
    let listed = keys(&fleet, &["list"]);
    assert!(
        listed.contains(&format!("{kid}  RS256  revoked ")),
        "{listed}"
    );
    for instance in [one, two] {
        instance.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_that_rotate_at_once_make_one_rotation() {
    let fleet = Fleet::new().await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let before = published(&one).await;
    let mut source = Source::default();
    for (name, value) in fleet.variables() {
        source.set(name, value);
    }
    let config = Config::load(&source).unwrap();
    let mut stores = Vec::new();
    let mut stewards = Vec::new();
    for _ in 0..2 {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = storage::open(&config, Arc::clone(&clock)).await.unwrap();
        let keys = config.encryption_keys.as_ref().unwrap();
        let secrets = Secrets::new(keys, Arc::new(SystemRandom)).unwrap();
        let settings = KeySettings::from(&config);
        stewards.push(Steward::new(settings, Arc::clone(&store), secrets, clock).unwrap());
        stores.push(store);
    }
    let (a, b) = tokio::join!(stewards[0].rotate(false), stewards[1].rotate(false));
    let since = Instant::now();
    let mut outcomes = [a.unwrap(), b.unwrap()];
    outcomes.sort_by_key(|outcome| matches!(outcome, Rotated::UnderWay(..)));
    let [Rotated::Published(made, from), Rotated::UnderWay(found, at)] = &outcomes else {
        panic!("{outcomes:?}")
    };
    assert_eq!((made, from), (found, at));
    for instance in [&one, &two] {
        let both = |kids: &[String]| kids.len() == 2 && kids.contains(made);
        publishes(instance, both, since).await;
        assert_eq!(vec![kid_of(&instance.admin_token().await)], before);
    }
    let (a, b) = tokio::join!(stewards[0].rotate(true), stewards[1].rotate(true));
    a.unwrap();
    b.unwrap();
    let keys = stores[0].signing_keys().list().await.unwrap();
    let signing = keys.iter().filter(|key| key.state == KeyState::Active);
    assert_eq!(signing.count(), 1);
    for store in stores {
        store.close().await;
    }
    for instance in [one, two] {
        instance.stop().await;
    }
}

#[test]
fn a_public_key_alone_or_of_another_pair_does_not_start() {
    let [own, other] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
    let data = tempfile::tempdir().unwrap();
    let (private, public) = (own.serialize_pem(), own.public_key_pem());
    let cut = public.replace("-----END PUBLIC KEY-----", "");
    let with_own = [
        ("JWT_PRIVATE_KEY", private.as_str()),
        ("JWT_SIGNING_ALG", "ES256"),
    ];
    let not_its_half = "is not the public half of JWT_PRIVATE_KEY";
    for (beside, wrong, problem) in [
        (
            &[][..],
            &public,
            "has no meaning without JWT_PRIVATE_KEY: set both, or neither",
        ),
        (&with_own, &other.public_key_pem(), not_its_half),
        (&with_own, &cut, not_its_half),
    ] {
        let variables = [beside, &[("JWT_PUBLIC_KEY", wrong)]].concat();
        let (code, said) = refused(data.path(), &variables);
        assert_eq!(code, Some(78), "{said}");
        let example = "; for example JWT_PUBLIC_KEY='-----BEGIN PUBLIC KEY-----\\n…'\n";
        assert_eq!(
            said,
            format!("agentidp: JWT_PUBLIC_KEY: {problem}{example}")
        );
    }
    let variables = [&with_own[..], &[("JWT_PUBLIC_KEY", &public)]].concat();
    let (said, code) = Process::start(data.path(), &variables).stop();
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
async fn a_forced_rotation_begins_at_the_start_and_only_once() {
    let variables = [
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("JWT_SIGNING_ALG", "ES256"),
    ];
    let first = harness::start_with(&variables).await;
    let before = published(&first).await;
    let token = first.admin_token().await;
    let folder = first.stop().await;
    let forced = [&variables[..], &[("OIDC_FORCE_KEY_ROTATION", "true")]].concat();
    let clock = || Arc::new(SystemClock);
    let second = harness::start_in(folder, &forced, clock()).await;
    let during = published(&second).await;
    assert_eq!(during.len(), 2);
    assert!(during.contains(&before[0]));
    assert_eq!(kid_of(&second.admin_token().await), before[0]);
    let folder = second.stop().await;
    let third = harness::start_in(folder, &forced, clock()).await;
    assert_eq!(published(&third).await, during);
    // A port of its own is an issuer of its own: only the key is asked for.
    assert_eq!(kid_of(&token), kid_of(&third.admin_token().await));
    third.stop().await;
}

//! Starts, one after the other and at once, over a real embedded store.

use std::{sync::Arc, time::Duration};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;

use super::*;
use crate::auth::tests::world::{ENCRYPTION_KEY, World};
use crate::secrets::{EncryptionKeys, SecretsError, SystemRandom};
use crate::storage::KeyState;
use crate::wire::Secret;

const HOUR: Duration = Duration::from_secs(3600);

fn es256() -> SigningKey {
    SigningKey::generate(SigningAlgorithm::Es256).unwrap()
}

/// Of every key, newest first.
async fn states(world: &World) -> Vec<KeyState> {
    let keys = world.storage.signing_keys().list().await.unwrap();
    keys.into_iter().map(|key| key.state).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn configured(key: &SigningKey) -> KeySettings {
    let der = key.to_pkcs8().unwrap();
    KeySettings {
        algorithm: key.public().algorithm(),
        private_key: Some(Secret::new(pem("PRIVATE KEY", der.expose_secret()))),
        ..KeySettings::default()
    }
}

fn generated(algorithm: SigningAlgorithm) -> KeySettings {
    KeySettings {
        algorithm,
        ..KeySettings::default()
    }
}

async fn start(world: &World, settings: KeySettings) -> Result<Keys, KeyError> {
    let storage = Arc::clone(&world.storage);
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    Keys::load(settings, storage, world.secrets.clone(), clock).await
}

fn signing_kid(keys: &Keys) -> String {
    keys.current().signing().public().kid().to_owned()
}

#[tokio::test]
async fn a_restart_signs_with_the_same_key() {
    let world = World::new().await;
    let again = start(&world, generated(SigningAlgorithm::Es256)).await;
    let again = again.unwrap();
    assert_eq!(signing_kid(&again), signing_kid(&world.keys));
    assert_eq!(again.current().jwks().len(), 1);
    let stored = world.storage.signing_keys().list().await.unwrap();
    let sealed = stored[0].private_encrypted.clone().unwrap();
    let plain = world.keys.current().signing().to_pkcs8().unwrap();
    let needle = &plain.expose_secret()[..16];
    assert!(!sealed.windows(16).any(|window| window == needle));
}

#[tokio::test]
async fn instances_that_start_at_once_make_one_key() {
    let world = World::new().await;
    let old = signing_kid(&world.keys);
    let settings = || generated(SigningAlgorithm::EdDsa);
    let (a, b, c) = tokio::join!(
        start(&world, settings()),
        start(&world, settings()),
        start(&world, settings()),
    );
    for keys in [a, b, c] {
        assert_eq!(signing_kid(&keys.unwrap()), old, "the new one is published");
    }
    let states = states(&world).await;
    assert_eq!(states, [KeyState::Next, KeyState::Active]);
    world.clock.advance(HOUR * 2);
    let (a, b) = tokio::join!(
        world.keys.steward().follow_schedule(),
        world.keys.steward().follow_schedule()
    );
    assert_ne!(a.unwrap(), b.unwrap(), "one of them rotated");
    world.keys.reload().await.unwrap();
    let signing = Arc::clone(world.keys.current().signing());
    assert_eq!(signing.public().algorithm(), SigningAlgorithm::EdDsa);
    // One publication and one rotation, however many instances wanted them.
    let new = signing.public().kid();
    assert_eq!(
        told(&world).await,
        [
            serde_json::json!({"kid": new, "previousKid": old}),
            serde_json::json!({"publishedKid": new}),
        ]
    );
}

#[tokio::test]
async fn a_configured_key_is_published_and_signs_when_everybody_knows_it() {
    let world = World::new().await;
    let old = signing_kid(&world.keys);
    let key = SigningKey::generate(SigningAlgorithm::Rs256).unwrap();
    let new = key.public().kid();
    let with = start(&world, configured(&key)).await.unwrap();
    let without = &world.keys;
    for keys in [&with, without] {
        keys.reload().await.unwrap();
        assert_eq!(signing_kid(keys), old);
        assert!(keys.current().verifying(new).is_some());
    }

    world.clock.advance(HOUR * 2 - Duration::from_millis(1));
    assert!(!without.steward().follow_schedule().await.unwrap());
    world.clock.advance(Duration::from_millis(1));
    assert!(without.steward().follow_schedule().await.unwrap());
    for keys in [&with, without] {
        keys.reload().await.unwrap();
        assert_eq!(signing_kid(keys), new, "also where it is not configured");
        assert!(keys.current().verifying(&old).is_some());
    }

    // Its last token is over: it is neither published nor believed any more.
    world
        .clock
        .advance(crate::tokens::ACCESS_TOKEN_LIFETIME * 2);
    with.drop_expired().await.unwrap();
    assert!(with.current().verifying(&old).is_none());
    assert_eq!(with.current().jwks().len(), 1);

    // Back to it without the variable: the stored one of that algorithm goes on.
    let again = start(&world, generated(SigningAlgorithm::Rs256)).await;
    assert_eq!(signing_kid(&again.unwrap()), new);
    // What the operator gave is his to replace.
    world.clock.advance(SIGNING_TIME);
    assert!(!world.keys.steward().follow_schedule().await.unwrap());
}

#[tokio::test]
async fn an_instance_that_still_has_the_old_variable_does_not_rotate_back() {
    let world = World::new().await;
    let (old, new) = (es256(), es256());
    let kid = |key: &SigningKey| key.public().kid().to_owned();
    for key in [&old, &new] {
        start(&world, configured(key)).await.unwrap();
        world.clock.advance(HOUR * 2);
        assert!(world.keys.steward().follow_schedule().await.unwrap());
    }
    let lagging = start(&world, configured(&old)).await.unwrap();
    assert_eq!(signing_kid(&lagging), kid(&new));
    world.clock.advance(HOUR * 48);
    assert!(!world.keys.steward().follow_schedule().await.unwrap());

    // Told so, it does.
    let asked = lagging.steward().rotate(false).await.unwrap();
    let from = world.clock.now().plus(HOUR * 2);
    assert_eq!(asked, Rotated::Published(kid(&old), from));
    world.clock.advance(HOUR * 2);
    assert!(world.keys.steward().follow_schedule().await.unwrap());
    lagging.reload().await.unwrap();
    assert_eq!(signing_kid(&lagging), kid(&old));
}

#[tokio::test]
async fn a_configured_key_that_was_revoked_is_refused() {
    let world = World::new().await;
    let key = es256();
    start(&world, configured(&key)).await.unwrap();
    let revoked = world.keys.steward().revoke(key.public().kid()).await;
    assert_eq!(revoked.unwrap(), Revoked::Done);
    let refused = start(&world, configured(&key)).await.err().unwrap();
    assert_eq!(refused, KeyError::Revoked(key.public().kid().to_owned()));
    assert!(refused.is_configuration());
}

#[tokio::test]
async fn a_key_is_replaced_after_its_time() {
    let world = World::new().await;
    let steward = world.keys.steward();
    let first = signing_kid(&world.keys);
    world
        .clock
        .advance(SIGNING_TIME - HOUR * 2 - Duration::from_millis(1));
    assert!(!steward.follow_schedule().await.unwrap());
    world.clock.advance(Duration::from_millis(1));
    assert!(steward.follow_schedule().await.unwrap());
    assert_eq!(states(&world).await, [KeyState::Next, KeyState::Active]);
    world.clock.advance(HOUR * 2);
    assert!(steward.follow_schedule().await.unwrap());
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Retiring]);
    assert!(!steward.follow_schedule().await.unwrap());
    world.keys.reload().await.unwrap();
    assert_ne!(signing_kid(&world.keys), first);
}

#[tokio::test]
async fn a_rotation_that_is_asked_for_twice_is_one() {
    let world = World::new().await;
    let steward = world.keys.steward();
    let (one, two) = tokio::join!(steward.rotate(false), steward.rotate(false));
    let from = world.clock.now().plus(HOUR * 2);
    let mut kids = Vec::new();
    for asked in [one.unwrap(), two.unwrap()] {
        match asked {
            Rotated::Published(kid, at) | Rotated::UnderWay(kid, at) if at == from => {
                kids.push(kid)
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kids[0], kids[1]);
    assert_eq!(states(&world).await, [KeyState::Next, KeyState::Active]);
    let at_once = steward.rotate(true).await.unwrap();
    assert_eq!(at_once, Rotated::Signs(kids[0].clone()));
    let again = steward.rotate(true).await.unwrap();
    assert!(matches!(again, Rotated::Signs(kid) if kid != kids[0]));
}

#[tokio::test]
async fn a_rotation_is_forced_once_for_each_value() {
    let world = World::new().await;
    let forced = |label: &str| KeySettings {
        force_rotation: Some(label.to_owned()),
        ..generated(SigningAlgorithm::Es256)
    };
    let (a, b) = tokio::join!(start(&world, forced("true")), start(&world, forced("true")));
    assert!(a.is_ok() && b.is_ok());
    let one = [KeyState::Next, KeyState::Active];
    assert_eq!(states(&world).await, one);
    world.clock.advance(HOUR * 2);
    assert!(world.keys.steward().follow_schedule().await.unwrap());
    start(&world, forced("true")).await.unwrap();
    let done = [KeyState::Active, KeyState::Retiring];
    assert_eq!(states(&world).await, done, "it was done");
    start(&world, forced("2026-11")).await.unwrap();
    assert_eq!(states(&world).await.first(), Some(&KeyState::Next));
}

#[tokio::test]
async fn a_revoked_key_is_believed_no_more_and_another_signs_at_once() {
    let world = World::new().await;
    let steward = world.keys.steward();
    let first = signing_kid(&world.keys);
    assert_eq!(
        steward.revoke("no-such-key").await.unwrap(),
        Revoked::Unknown
    );

    // Nothing was published: a fresh one signs.
    let Revoked::Replaced(second) = steward.revoke(&first).await.unwrap() else {
        panic!("the one that signed was replaced")
    };
    assert_eq!(steward.revoke(&first).await.unwrap(), Revoked::Already);
    world.keys.reload().await.unwrap();
    assert_eq!(signing_kid(&world.keys), second);
    assert!(world.keys.current().verifying(&first).is_none());
    let algorithm = world.keys.current().signing().public().algorithm();
    assert_eq!(algorithm, SigningAlgorithm::Es256, "as before");

    // One was published: that signs.
    let Rotated::Published(third, _) = steward.rotate(false).await.unwrap() else {
        panic!("nothing was under way")
    };
    let replaced = steward.revoke(&second).await.unwrap();
    assert_eq!(replaced, Revoked::Replaced(third.clone()));
    world.keys.reload().await.unwrap();
    assert_eq!(signing_kid(&world.keys), third);

    assert_eq!(
        told(&world).await,
        [
            serde_json::json!({"kid": third, "revokedKid": second}),
            serde_json::json!({"publishedKid": third}),
            serde_json::json!({"kid": second, "revokedKid": first}),
        ]
    );
}

/// What the audit log says of the keys, newest first.
async fn told(world: &World) -> Vec<serde_json::Value> {
    let events = world.events(world.admin.organization, "key.rotated").await;
    events
        .iter()
        .map(|event| serde_json::from_str(&event.metadata).unwrap())
        .collect()
}

#[tokio::test]
async fn halves_that_do_not_belong_together_are_refused() {
    let world = World::new().await;
    for algorithm in SigningAlgorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let other = SigningKey::generate(algorithm).unwrap();
        let with = |public: &SigningKey| KeySettings {
            public_key: Some(pem("PUBLIC KEY", &public.public_der().unwrap())),
            ..configured(&key)
        };
        assert_eq!(
            start(&world, with(&other)).await.err(),
            Some(KeyError::OtherPublic)
        );
        assert!(start(&world, with(&key)).await.is_ok(), "{algorithm}");
    }
}

#[tokio::test]
async fn a_lost_encryption_key_stops_the_start_and_says_why() {
    let world = World::new().await;
    let other = ENCRYPTION_KEY.replace("00", "ff");
    let keys = EncryptionKeys::parse(&other).unwrap();
    let secrets = Secrets::new(&keys, Arc::new(SystemRandom)).unwrap();
    let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
    let settings = generated(SigningAlgorithm::Es256);
    let storage = Arc::clone(&world.storage);
    let fault = Keys::load(settings, storage, secrets, clock).await;
    assert!(matches!(
        fault.err(),
        Some(KeyError::Secrets(SecretsError::UnknownKey(_)))
    ));
}

#[tokio::test]
async fn nothing_is_written_under_an_encryption_key_that_opens_nothing_here() {
    let world = World::new().await;
    let ours = es256();
    start(&world, configured(&ours)).await.unwrap();
    world.keys.steward().rotate(true).await.unwrap();
    let before = world.storage.signing_keys().list().await.unwrap();
    let active = before.iter().find(|key| key.state == KeyState::Active);
    assert_eq!(active.unwrap().kid, ours.public().kid());

    let other = EncryptionKeys::parse(&"9d".repeat(32)).unwrap();
    let other = Secrets::new(&other, Arc::new(SystemRandom)).unwrap();
    // One that would publish a key, and one that could sign without decrypting any.
    for settings in [generated(SigningAlgorithm::EdDsa), configured(&ours)] {
        let storage = Arc::clone(&world.storage);
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let steward = Steward::new(
            settings.clone(),
            Arc::clone(&storage),
            other.clone(),
            Arc::clone(&clock),
        );
        let steward = steward.unwrap();
        for fault in [
            Keys::load(settings, storage, other.clone(), clock)
                .await
                .map(drop),
            steward.rotate(true).await.map(drop),
            steward.revoke(ours.public().kid()).await.map(drop),
        ] {
            let unknown = matches!(fault, Err(KeyError::Secrets(SecretsError::UnknownKey(_))));
            assert!(unknown, "{fault:?}");
        }
    }
    assert_eq!(world.storage.signing_keys().list().await.unwrap(), before);
}

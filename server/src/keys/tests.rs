//! Starts, one after the other and at once, over a real embedded store.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;

use super::*;
use crate::auth::tests::world::{ENCRYPTION_KEY, World};
use crate::secrets::{EncryptionKeys, SecretsError, SystemRandom};
use crate::wire::Secret;

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn configured(key: &SigningKey) -> KeySettings {
    let der = key.to_pkcs8().unwrap();
    KeySettings {
        algorithm: key.public().algorithm(),
        private_key: Some(Secret::new(pem("PRIVATE KEY", der.expose_secret()))),
        public_key: None,
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
    let settings = || generated(SigningAlgorithm::EdDsa);
    let (a, b, c) = tokio::join!(
        start(&world, settings()),
        start(&world, settings()),
        start(&world, settings()),
    );
    let kids = [a, b, c].map(|keys| signing_kid(&keys.unwrap()));
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    let stored = world.storage.signing_keys().list().await.unwrap();
    assert_eq!(stored.len(), 2, "the new one and the retired one");
    let system = world.admin.organization;
    assert_eq!(world.events(system, "key.rotated").await.len(), 1);
}

#[tokio::test]
async fn a_configured_key_signs_and_the_old_one_still_verifies() {
    let world = World::new().await;
    let old = signing_kid(&world.keys);
    let key = SigningKey::generate(SigningAlgorithm::Rs256).unwrap();
    let keys = start(&world, configured(&key)).await.unwrap();
    assert_eq!(signing_kid(&keys), key.public().kid());
    assert!(keys.current().verifying(&old).is_some());

    // Its last token is over: it is neither published nor believed any more.
    world
        .clock
        .advance(crate::tokens::ACCESS_TOKEN_LIFETIME * 2);
    keys.reload().await.unwrap();
    assert!(keys.current().verifying(&old).is_none());
    assert_eq!(keys.current().jwks().len(), 1);

    // Back to it without the variable: the stored one of that algorithm goes on.
    let again = start(&world, generated(SigningAlgorithm::Rs256)).await;
    assert_eq!(signing_kid(&again.unwrap()), key.public().kid());
}

#[tokio::test]
async fn a_configured_key_that_was_revoked_is_refused() {
    let world = World::new().await;
    let key = SigningKey::generate(SigningAlgorithm::Es256).unwrap();
    start(&world, configured(&key)).await.unwrap();
    let current = start(&world, generated(SigningAlgorithm::EdDsa)).await;
    let current = signing_kid(&current.unwrap());
    let records = world.storage.signing_keys().list().await.unwrap();
    let mut revoked = records
        .into_iter()
        .find(|record| record.kid == key.public().kid())
        .unwrap();
    revoked.state = crate::storage::KeyState::Revoked;
    let rotation = crate::storage::KeyRotation {
        expected_active: Some(current),
        update: vec![revoked],
        ..crate::storage::KeyRotation::default()
    };
    world.storage.signing_keys().rotate(rotation).await.unwrap();
    let refused = start(&world, configured(&key)).await.err().unwrap();
    assert_eq!(refused, KeyError::Revoked(key.public().kid().to_owned()));
    assert!(refused.is_configuration());
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

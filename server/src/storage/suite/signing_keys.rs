//! Signing keys.

use super::{Backend, Bench};
use crate::storage::{KeyRotation, KeyState, SigningKeyRecord, StorageError};

fn key<B: Backend>(bench: &Bench<B>, kid: &str, state: KeyState) -> SigningKeyRecord {
    SigningKeyRecord {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        state,
        public_jwk: "{}".to_owned(),
        private_encrypted: Some(vec![1, 2, 3]),
        imported: false,
        created_at: bench.now(),
        published_at: bench.now(),
        activated_at: (state == KeyState::Active).then(|| bench.now()),
        retired_at: None,
        expires_at: None,
        revoked_at: None,
    }
}

fn first<B: Backend>(bench: &Bench<B>, kid: &str) -> KeyRotation {
    KeyRotation {
        insert: vec![key(bench, kid, KeyState::Active)],
        ..KeyRotation::default()
    }
}

pub async fn a_rotation_is_all_or_nothing<B: Backend>(bench: &Bench<B>) {
    let keys = bench.storage().signing_keys();
    keys.rotate(first(bench, "a")).await.unwrap();
    let before = bench.storage().revocations().revision().await.unwrap();
    let mut retiring = key(bench, "a", KeyState::Retiring);
    retiring.activated_at = Some(bench.now());
    retiring.retired_at = Some(bench.later(1));
    retiring.expires_at = Some(bench.later(3600));
    retiring.published_at = bench.later(2);
    retiring.imported = true;
    let mut rotation = KeyRotation {
        expected_active: Some("a".to_owned()),
        insert: vec![
            key(bench, "b", KeyState::Active),
            key(bench, "a", KeyState::Next),
        ],
        update: vec![retiring.clone()],
        ..KeyRotation::default()
    };
    assert_eq!(
        keys.rotate(rotation.clone()).await,
        Err(StorageError::Conflict),
        "a kid exists once"
    );
    assert_eq!(
        keys.list().await.unwrap(),
        [key(bench, "a", KeyState::Active)]
    );
    rotation.insert.pop();
    keys.rotate(rotation).await.unwrap();
    assert_eq!(
        keys.list().await.unwrap(),
        [key(bench, "b", KeyState::Active), retiring]
    );
    assert!(
        bench
            .storage()
            .revocations()
            .changes_since(before)
            .await
            .unwrap()
            .signing_keys
    );
    let unknown = KeyRotation {
        expected_active: Some("b".to_owned()),
        update: vec![key(bench, "x", KeyState::Next)],
        ..KeyRotation::default()
    };
    assert_eq!(keys.rotate(unknown).await, Err(StorageError::NotFound));
}

pub async fn two_rotations_at_once_make_one<B: Backend>(bench: &Bench<B>) {
    let keys = bench.storage().signing_keys();
    let (one, two) = tokio::join!(
        keys.rotate(first(bench, "a")),
        keys.rotate(first(bench, "b"))
    );
    assert_ne!(one.is_ok(), two.is_ok());
    assert!(one == Err(StorageError::Conflict) || two == Err(StorageError::Conflict));
    assert_eq!(keys.list().await.unwrap().len(), 1);
}

pub async fn private_halves_are_reencrypted_only_while_they_are_the_same<B: Backend>(
    bench: &Bench<B>,
) {
    let keys = bench.storage().signing_keys();
    keys.rotate(first(bench, "a")).await.unwrap();
    keys.reencrypt("a", &[1, 2, 3], &[4]).await.unwrap();
    assert_eq!(
        keys.reencrypt("a", &[1, 2, 3], &[5]).await,
        Err(StorageError::Conflict)
    );
    assert_eq!(
        keys.list().await.unwrap()[0].private_encrypted,
        Some(vec![4])
    );
}

pub async fn two_publications_at_once_make_one<B: Backend>(bench: &Bench<B>) {
    let keys = bench.storage().signing_keys();
    keys.rotate(first(bench, "a")).await.unwrap();
    let publish = |kid, next: &[&str]| KeyRotation {
        expected_active: Some("a".to_owned()),
        expected_next: next.iter().map(|kid| (*kid).to_owned()).collect(),
        insert: vec![key(bench, kid, KeyState::Next)],
        ..KeyRotation::default()
    };
    let (one, two) = tokio::join!(
        keys.rotate(publish("b", &[])),
        keys.rotate(publish("c", &[]))
    );
    assert_ne!(one.is_ok(), two.is_ok());
    assert!(one == Err(StorageError::Conflict) || two == Err(StorageError::Conflict));
    let there = if one.is_ok() { "b" } else { "c" };
    keys.rotate(publish("d", &[there])).await.unwrap();
    let again = keys.rotate(publish("e", &[there])).await;
    assert_eq!(again, Err(StorageError::Conflict));
    keys.rotate(publish("e", &["d", there])).await.unwrap();
}

//! Rotating and revoking credentials: which secrets hold, and which generations.

use uuid::Uuid;

use super::{
    Backend, Bench,
    credentials::{added, only_credential, revoke, rotate, secrets},
};
use crate::{
    clock::Timestamp,
    storage::{CredentialRecord, Dependency, Raise, StorageError},
};

async fn raises<B: Backend>(
    bench: &Bench<B>,
    credential: &CredentialRecord,
) -> Vec<(i64, Option<Timestamp>)> {
    let changes = bench
        .storage()
        .revocations()
        .load(bench.now())
        .await
        .unwrap();
    let ours = |raise: &&Raise| {
        raise.dependency == Dependency::Credential && raise.id == credential.credential_id
    };
    changes
        .raises
        .iter()
        .filter(ours)
        .map(|raise| (raise.generation, raise.effective_at))
        .collect()
}

pub async fn rotation_stops_the_old_secret_at_once<B: Backend>(bench: &Bench<B>) {
    let credential = added(bench).await;
    let rotated = rotate(bench, &credential, "hash-1", None).await.unwrap();
    assert_eq!(rotated, credential);
    assert_eq!(
        secrets(&only_credential(bench, &credential).await),
        [("hash-1", 1, None)]
    );
    assert_eq!(raises(bench, &credential).await, [(1, None)]);
    assert_eq!(
        bench.actions(credential.organization_id).await,
        ["credential.rotated"]
    );
}

pub async fn rotation_keeps_the_old_secret_for_its_grace<B: Backend>(bench: &Bench<B>) {
    let credential = added(bench).await;
    let stops_at = bench.later(60);
    rotate(bench, &credential, "hash-1", Some(stops_at))
        .await
        .unwrap();
    let expected = [("hash-1", 1, None), ("hash-0", 0, Some(stops_at))];
    assert_eq!(
        secrets(&only_credential(bench, &credential).await),
        expected
    );
    assert_eq!(raises(bench, &credential).await, [(1, Some(stops_at))]);
    assert_eq!(
        bench
            .storage()
            .revocations()
            .settle(bench.later(59))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        bench
            .storage()
            .revocations()
            .settle(stops_at)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        secrets(&only_credential(bench, &credential).await),
        [("hash-1", 1, None)]
    );
    assert_eq!(raises(bench, &credential).await, [(1, None)]);
}

pub async fn a_second_rotation_ends_the_first_grace<B: Backend>(bench: &Bench<B>) {
    let credential = added(bench).await;
    rotate(bench, &credential, "hash-1", Some(bench.later(60)))
        .await
        .unwrap();
    let stops_at = bench.later(30);
    rotate(bench, &credential, "hash-2", Some(stops_at))
        .await
        .unwrap();
    let expected = [("hash-2", 2, None), ("hash-1", 1, Some(stops_at))];
    assert_eq!(
        secrets(&only_credential(bench, &credential).await),
        expected
    );
    assert_eq!(
        raises(bench, &credential).await,
        [(1, None), (2, Some(stops_at))]
    );
    rotate(bench, &credential, "hash-3", None).await.unwrap();
    assert_eq!(
        secrets(&only_credential(bench, &credential).await),
        [("hash-3", 3, None)]
    );
    assert_eq!(raises(bench, &credential).await, [(3, None)]);
}

pub async fn revocation_is_final<B: Backend>(bench: &Bench<B>) {
    let credential = added(bench).await;
    rotate(bench, &credential, "hash-1", Some(bench.later(60)))
        .await
        .unwrap();
    let revoked = revoke(bench, &credential).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(bench.now()));
    assert_eq!(raises(bench, &credential).await, [(2, None)]);
    assert!(
        bench
            .storage()
            .credentials()
            .client(credential.agent_id)
            .await
            .unwrap()
            .unwrap()
            .credentials
            .is_empty()
    );
    assert_eq!(
        revoke(bench, &credential).await,
        Err(StorageError::CredentialAlreadyRevoked)
    );
    assert_eq!(
        rotate(bench, &credential, "hash-2", None).await,
        Err(StorageError::CredentialAlreadyRevoked)
    );
    assert_eq!(
        bench
            .storage()
            .revocations()
            .settle(bench.later(3600))
            .await
            .unwrap(),
        0
    );
    let mut unknown = credential.clone();
    unknown.credential_id = Uuid::now_v7();
    assert_eq!(revoke(bench, &unknown).await, Err(StorageError::NotFound));
}

pub async fn a_hash_is_replaced_only_while_it_is_the_same<B: Backend>(bench: &Bench<B>) {
    let credential = added(bench).await;
    let credentials = bench.storage().credentials();
    credentials
        .replace_hash(credential.credential_id, "hash-0", "other-form")
        .await
        .unwrap();
    let again = credentials
        .replace_hash(credential.credential_id, "hash-0", "third")
        .await;
    assert_eq!(again, Err(StorageError::Conflict));
    assert_eq!(
        secrets(&only_credential(bench, &credential).await),
        [("other-form", 0, None)]
    );
}
